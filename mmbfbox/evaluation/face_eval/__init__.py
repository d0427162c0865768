"""AFW and PASCAL Face by the face-eval toolbox: protocol and files."""

from mmbfbox.evaluation.face_eval.protocol import FaceEvalResult, evaluate_face_eval, is_ignored

__all__ = ['FaceEvalResult', 'evaluate_face_eval', 'is_ignored']
