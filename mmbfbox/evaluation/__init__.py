"""The official protocols of the face benchmarks as plain functions on arrays.

``wider_face``, ``fddb`` and ``face_eval`` hold the protocols and need only NumPy and SciPy;
``wider_io`` and ``fddb_io`` the files; ``metrics`` the registered mmdet metrics.
"""
