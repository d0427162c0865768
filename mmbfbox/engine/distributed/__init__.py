"""What the processes of a distributed run exchange."""
