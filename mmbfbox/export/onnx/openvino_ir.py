"""An exported detector in OpenVINO's own form."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx

from mmbfbox.errors import UserError
from mmbfbox.utils.files import atomic_write


def write_openvino(model: onnx.ModelProto, path: str | Path) -> Path:
    """Write ``<name>.xml`` and ``<name>.bin``, in float32.

    OpenVINO keeps the metadata of an ONNX file in the XML file, as ``rt_info/framework``.

    Args:
        model: the exported graph.
        path: of the XML file.

    Raises:
        UserError: OpenVINO is not installed, or the folder cannot be written to.
    """
    try:
        import openvino
    except ImportError as error:
        raise UserError('openvino is not installed; pip install openvino') from error
    converted = openvino.Core().read_model(model.SerializeToString())
    final = Path(path).with_suffix('.xml')
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / 'model.xml'
        openvino.save_model(converted, written, compress_to_fp16=False)
        # The weights first, so that a graph under its name can always be read.
        for file in (written.with_suffix('.bin'), written):
            with atomic_write(final.with_suffix(file.suffix)) as temporary:
                temporary.write_bytes(file.read_bytes())
    return final
