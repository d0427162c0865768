"""What is done to a traced graph: constants computed, norms and head convolutions joined, traces removed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from mmbfbox.errors import UserError

SHAPE_OPERATORS = ('Shape', 'Size', 'ConstantOfShape', 'Loop', 'If')
FEW_CHANNELS = 32
"""Up to so many outputs, convolutions of one input are joined: alone they leave vector units idle."""


def simplify(model: ModelProto) -> None:
    """Simplify a graph that was traced with a batch of one, in place."""
    graph = model.graph
    _name_constants(graph)
    _drop_identities(graph)
    _fold_constants(model)
    _fold_batch_norm(graph)
    _join_convolutions(graph)
    _free_the_batch(graph)
    _drop_unused(graph)


def strip(model: ModelProto) -> None:
    """Remove what tells of the machine and the code that made the graph."""
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        part.doc_string = ''
        del part.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output):
        value.doc_string = ''
    del model.graph.value_info[:]


def check_operators(model: ModelProto) -> None:
    """Check that nothing in the graph depends on a shape.

    Raises:
        UserError: something does.
    """
    found = [node.op_type for node in model.graph.node if node.op_type in SHAPE_OPERATORS]
    if found:
        raise UserError(
            f'the exported graph has the operators {", ".join(sorted(set(found)))}, which depend on the '
            f'size of the image; give a rewrite of what asks for a shape in '
            f'mmbfbox/export/onnx/fixed_shapes.py'
        )


def _name_constants(graph: GraphProto) -> None:
    """Constants as initialisers."""
    for node in [node for node in graph.node if node.op_type == 'Constant']:
        tensor = TensorProto()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        graph.initializer.append(tensor)
        graph.node.remove(node)


def _drop_identities(graph: GraphProto) -> None:
    """Identities, but for those that give an output its name."""
    outputs = {output.name for output in graph.output}
    names: dict[str, str] = {}
    for node in list(graph.node):
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
        if node.op_type == 'Identity' and node.output[0] not in outputs:
            names[node.output[0]] = node.input[0]
            graph.node.remove(node)


def _fold_constants(model: ModelProto) -> None:
    """Nodes that depend on constants only, computed."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in list(graph.node):
        given = [name for name in node.input if name]
        if not given or not all(name in constants for name in given):
            continue
        inputs = {name: numpy_helper.to_array(constants[name]) for name in given}
        single = helper.make_model(
            helper.make_graph(
                [node],
                'constant',
                [helper.make_tensor_value_info(n, constants[n].data_type, None) for n in inputs],
                [helper.make_empty_tensor_value_info(name) for name in node.output],
            ),
            opset_imports=model.opset_import,
        )
        for name, value in zip(
            node.output, ReferenceEvaluator(single).run(None, inputs), strict=True
        ):
            constants[name] = _add_initializer(graph, name, np.asarray(value))
        graph.node.remove(node)


def _fold_batch_norm(graph: GraphProto) -> None:
    """Batch norms behind a convolution, which takes them into its filters."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    uses = _uses(graph)
    for norm in [node for node in graph.node if node.op_type == 'BatchNormalization']:
        conv = makers.get(norm.input[0])
        if conv is None or conv.op_type != 'Conv' or uses[conv.output[0]] != 1:
            continue
        if any(name not in constants for name in conv.input[1:]):
            continue
        scale, shift, mean, variance = (
            numpy_helper.to_array(constants[name]).astype(np.float64) for name in norm.input[1:]
        )
        epsilon = next((float(a.f) for a in norm.attribute if a.name == 'epsilon'), 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        weight = numpy_helper.to_array(constants[conv.input[1]])
        bias = numpy_helper.to_array(constants[conv.input[2]]) if len(conv.input) > 2 else 0.0
        name = norm.output[0]
        folded = (weight * factor.reshape(-1, 1, 1, 1)).astype(weight.dtype)
        shifted = ((bias - mean) * factor + shift).astype(weight.dtype)
        for part, value in (('weight', folded), ('bias', shifted)):
            _add_initializer(graph, f'{name}.{part}', value)
        del conv.input[1:]
        conv.input.extend([f'{name}.weight', f'{name}.bias'])
        conv.output[0] = name
        graph.node.remove(norm)


def _join_convolutions(graph: GraphProto) -> None:
    """Convolutions of the same input with few outputs, as one whose outputs are split.

    So the two of a head's level become one. Levels that share their filters go on sharing them.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    alike: defaultdict[object, list[NodeProto]] = defaultdict(list)
    for node in graph.node:
        if node.op_type == 'Conv' and len(node.input) == 3 and _is_plain(node, constants):
            kind = sorted(
                attribute.SerializeToString(deterministic=True) for attribute in node.attribute
            )
            alike[(node.input[0], tuple(kind))].append(node)
    for nodes in alike.values():
        counts = [constants[node.input[1]].dims[0] for node in nodes]
        if len(nodes) == 1 or sum(counts) > FEW_CHANNELS:
            continue
        names = []
        for place in (1, 2):
            parts = [constants[node.input[place]] for node in nodes]
            name = '+'.join(part.name for part in parts)
            if name not in constants:
                joined = np.concatenate([numpy_helper.to_array(part) for part in parts])
                constants[name] = _add_initializer(graph, name, joined)
            names.append(name)
        output = '+'.join(node.output[0] for node in nodes)
        conv = helper.make_node('Conv', [nodes[0].input[0], *names], [output], name=output)
        conv.attribute.extend(nodes[0].attribute)
        sizes = f'{output}.sizes'
        _add_initializer(graph, sizes, np.array(counts, np.int64))
        split = helper.make_node(
            'Split', [output, sizes], [node.output[0] for node in nodes], name=f'{output}.split',
            axis=1,
        )  # fmt: skip
        index = next(i for i, node in enumerate(graph.node) if node.output[0] == nodes[0].output[0])
        for node in nodes:
            graph.node.remove(node)
        graph.node.insert(index, split)
        graph.node.insert(index, conv)


def _is_plain(node: NodeProto, constants: dict[str, TensorProto]) -> bool:
    """Whether a convolution has constant filters and one group."""
    groups = next((attribute.i for attribute in node.attribute if attribute.name == 'group'), 1)
    return groups == 1 and all(name in constants for name in node.input[1:])


def _free_the_batch(graph: GraphProto) -> None:
    """Reshapes that have the traced batch of one as a constant keep whatever batch comes."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == 'Reshape' and node.input[1] in constants:
            shape = numpy_helper.to_array(constants[node.input[1]]).copy()
            if shape[0] == 1:
                shape[0] = 0
                name = f'{node.output[0]}.shape'
                _add_initializer(graph, name, shape)
                node.input[1] = name


def _drop_unused(graph: GraphProto) -> None:
    """What no output needs."""
    needed = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):
        if needed.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            needed.update(node.input)
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in needed]:
        graph.initializer.remove(tensor)


def _uses(graph: GraphProto) -> Counter[str]:
    """How many nodes and outputs need a value."""
    names: Iterable[str] = (name for node in graph.node for name in node.input)
    return Counter([*names, *(output.name for output in graph.output)])


def _add_initializer(graph: GraphProto, name: str, value: NDArray[np.generic]) -> TensorProto:
    tensor = numpy_helper.from_array(np.ascontiguousarray(value), name)
    graph.initializer.append(tensor)
    return tensor
