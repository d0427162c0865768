"""The official protocols of the face benchmarks as plain functions on arrays.

``wider_face``, ``fddb`` and ``face_eval`` (AFW, PASCAL Face) hold the protocols, the modules named
``*_io`` their files, ``metrics`` the registered mmdet metrics. All but the last need no mmdet.
"""
