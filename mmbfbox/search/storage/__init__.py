"""What a search keeps on disk: candidates, and whose folder it is."""
