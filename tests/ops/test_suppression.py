"""NMS, soft-NMS and NMS match do what their definitions say, with any operator module."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import mmbfbox_ops
import numpy as np
import pytest
import torch
from mmbfbox_ops import suppression_cuda
from mmcv.ops import nms, nms_match, soft_nms

from tests.ops.cases import Case, make_case


def defined_groups(case: Case, touching: bool) -> list[list[int]]:
    """The greedy procedure as it is written in papers: take the best one, drop what it overlaps, repeat."""
    x1, y1, x2, y2 = case.boxes.numpy().T
    areas = (x2 - x1 + case.offset) * (y2 - y1 + case.offset)
    left = case.scores.sort(descending=True).indices.numpy()
    groups = []
    while len(left):
        best, rest = left[0], left[1:]
        w = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest]) + case.offset
        h = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest]) + case.offset
        with np.errstate(all='ignore'):
            shared = np.maximum(w, 0) * np.maximum(h, 0)
            ious = shared / (areas[best] + areas[rest] - shared)
        gone = ious >= case.threshold if touching else ious > np.float32(case.threshold)
        groups.append([int(best), *rest[gone].tolist()])
        left = rest[~gone]
    return groups


def test_nms_and_nms_match_follow_the_definition():
    for case in map(make_case, range(200)):
        kept = [group[0] for group in defined_groups(case, touching=False)]
        arguments = (case.boxes, case.scores, case.threshold, case.offset)
        assert mmbfbox_ops.nms(*arguments).tolist() == kept
        assert nms(*arguments)[1].tolist() == kept
        if case.offset == 0 and case.threshold not in (0.1, 0.3, 1 / 3, 0.7):  # exact in float32
            groups = defined_groups(case, touching=True)
            assert [group.tolist() for group in nms_match(case.dets, case.threshold)] == groups


@pytest.mark.parametrize('block', [5, 16, 64])
def test_nms_of_a_gpu_gives_the_boxes_of_the_cpu_however_it_is_cut_into_blocks(
    block: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(suppression_cuda, 'BLOCK', block)
    for number in range(60):
        case = make_case(number, most=60)
        arguments = (case.boxes, case.scores, case.threshold, case.offset)
        on_cpu = mmbfbox_ops.nms(*arguments)
        assert torch.equal(suppression_cuda.nms_on_device(*arguments), on_cpu)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_nms_runs_on_the_gpu():
    for case in map(make_case, range(0, 100, 2)):
        arguments = (case.boxes, case.scores, case.threshold, case.offset)
        found = mmbfbox_ops.nms(case.boxes.cuda(), case.scores.cuda(), *arguments[2:])
        assert found.is_cuda and torch.equal(found.cpu(), mmbfbox_ops.nms(*arguments))


def test_a_chain_of_boxes_that_overlap_only_the_next_keeps_every_other_one():
    x = torch.arange(300.0) * 5
    boxes = torch.stack([x, torch.zeros(300), x + 10, torch.full((300,), 10.0)], dim=1)
    scores = torch.linspace(1, 0.1, 300)
    expected = list(range(0, 300, 2))
    assert mmbfbox_ops.nms(boxes, scores, 0.3, 0).tolist() == expected
    assert suppression_cuda.nms_on_device(boxes, scores, 0.3, 0).tolist() == expected


def test_soft_nms_lowers_scores_as_its_methods_say():
    # The first two have an IoU of 1/2.
    boxes = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 5], [20, 20, 30, 30.0]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    factors = {'naive': 0.0, 'linear': 0.5, 'gaussian': np.exp(-0.25 / 0.5)}
    for method, factor in factors.items():
        dets, kept = soft_nms(boxes, scores, 0.3, 0.5, 1e-3, method)
        expected = {0: 0.9, 2: 0.7} | ({1: 0.8 * factor} if factor else {})
        found = dict(zip(kept.tolist(), dets[: len(kept), 4].tolist(), strict=True))
        assert found == pytest.approx(expected)
    dets, kept = soft_nms(boxes, scores, 0.3, 0.5, 0.5, 'linear')
    assert kept.tolist() == [0, 2]


def test_nothing_in_nothing_out():
    empty, none = torch.empty(0, 4), torch.empty(0)
    assert mmbfbox_ops.nms(empty, none, 0.5, 0).shape == (0,)
    assert suppression_cuda.nms_on_device(empty, none, 0.5, 0).shape == (0,)
    assert mmbfbox_ops.softnms(empty, none, torch.empty(0, 5), 0.5, 0.5, 0.0, 0, 0).shape == (0,)
    assert nms_match(torch.empty(0, 5), 0.5) == []


def test_a_view_and_a_tensor_with_gradients_do_as_well():
    case = make_case(1)
    rows = torch.cat([case.boxes.T, case.scores[None]])
    boxes, scores = rows[:4].T.clone().requires_grad_().T.contiguous().T, rows[4].requires_grad_()
    arguments = (case.boxes, case.scores, 0.5, 0)
    assert torch.equal(mmbfbox_ops.nms(boxes, scores, 0.5, 0), mmbfbox_ops.nms(*arguments))


def test_many_threads_at_once_give_the_results_of_one():
    cases = [make_case(number) for number in range(64)]

    def kept(case: Case) -> list[int]:
        return mmbfbox_ops.nms(case.boxes, case.scores, case.threshold, case.offset).tolist()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(kept, cases)) == [kept(case) for case in cases]
