"""Every operator equals mmcv's compiled one to the last bit."""

from __future__ import annotations

import mmbfbox_ops
import pytest
import torch
from mmbfbox_ops.suppression_cuda import nms_on_device
from mmcv import _ext

from tests.ops.cases import CASES, make_case, needs_compiled

pytestmark = needs_compiled


def test_nms_keeps_the_same_boxes_in_the_same_order():
    for number in range(CASES):
        case = make_case(number)
        arguments = (case.boxes, case.scores, case.threshold, case.offset)
        expected = _ext.nms(*arguments)
        assert torch.equal(mmbfbox_ops.nms(*arguments), expected), number
        assert torch.equal(nms_on_device(*arguments), expected), number


def test_nms_of_thousands_of_boxes_is_the_same():
    rng = torch.Generator().manual_seed(0)
    corners = torch.rand(6000, 2, generator=rng) * 400
    boxes = torch.cat([corners, corners + 8 + torch.rand(6000, 2, generator=rng) * 60], dim=1)
    scores = torch.rand(6000, generator=rng)
    expected = _ext.nms(boxes, scores, 0.4, 0)
    assert 500 < len(expected) < 5500
    assert torch.equal(mmbfbox_ops.nms(boxes, scores, 0.4, 0), expected)
    assert torch.equal(nms_on_device(boxes, scores, 0.4, 0), expected)


def test_nms_match_makes_the_same_groups():
    cases = [case for case in map(make_case, range(CASES)) if len(case.boxes)]
    for case in cases:
        expected = _ext.nms_match(case.dets, case.threshold)
        assert mmbfbox_ops.nms_match(case.dets, case.threshold) == expected


@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_soft_nms_gives_the_same_boxes_and_scores(method: str):
    for number in range(CASES):
        case = make_case(number)
        found = []
        for operator in (_ext.softnms, mmbfbox_ops.softnms):
            dets = torch.zeros(len(case.boxes), 5)
            kept = operator(
                case.boxes,
                case.scores,
                dets,
                iou_threshold=case.threshold,
                sigma=0.5,
                min_score=(1e-3, 0.0, 0.2)[number % 3],
                method=['naive', 'linear', 'gaussian'].index(method),
                offset=case.offset,
            )
            found.append((kept, dets[: len(kept)].nan_to_num(nan=-1)))
        assert torch.equal(found[0][0], found[1][0]), number
        assert torch.equal(found[0][1], found[1][1]), number


def test_both_refuse_doubles():
    boxes, scores = torch.rand(4, 4, dtype=torch.float64), torch.rand(4, dtype=torch.float64)
    for module in (_ext, mmbfbox_ops):
        with pytest.raises(RuntimeError):
            module.nms(boxes, scores, 0.5, 0)
        with pytest.raises(RuntimeError):
            module.nms_match(torch.rand(4, 5, dtype=torch.float64), 0.5)
        with pytest.raises(RuntimeError):
            module.softnms(boxes, scores, torch.zeros(4, 5).double(), 0.5, 0.5, 0.0, 0, 0)
