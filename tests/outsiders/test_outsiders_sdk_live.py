"""Cloudflare's own Python SDK drives the emulator's live inputs and their outputs, and reads what cfstream reads."""

from typing import Any

import pytest
from outsiders_sdk_kit import DIFFERENCES, Both

from cfstream import NotFoundError

SETTINGS: dict[str, Any] = {
    "default_creator": "ann",
    "delete_recording_after_days": 45.0,
    "enabled": False,
    "meta": {"name": "studio", "room": 7},
    "prefer_low_latency": True,
    "recording": {
        "allowed_origins": ["a.example"],
        "hide_live_viewer_count": True,
        "mode": "automatic",
        "require_signed_urls": True,
        "timeout_seconds": 30,
    },
}
TARGET: dict[str, Any] = {"url": "rtmps://a.example:443/live2", "stream_key": "abcd-efgh"}


async def test_every_live_call_with_every_keyword(both: Both) -> None:
    uid = await _made(both)
    await _changed(both, uid)
    await _sent_on(both, uid)
    await _seen_on_the_service(both, uid)
    assert await both.theirs.live_inputs.delete(uid, account_id=both.account) is None  # type: ignore[func-returns-value]  # shown
    with pytest.raises(NotFoundError):
        await both.ours.live_inputs.get(uid)
    assert both.left_out("live") == {}
    assert both.met == set(DIFFERENCES["live"])


async def _made(both: Both) -> str:
    keyed: dict[str, Any] = {"idempotency_key": "studio 1", **SETTINGS}
    theirs = await both.theirs.live_inputs.create(account_id=both.account, **keyed)
    assert theirs is not None
    assert theirs.uid is not None
    assert theirs.recording is not None
    assert theirs.recording.model_dump() == SETTINGS["recording"]
    assert (theirs.enabled, theirs.prefer_low_latency, theirs.meta) == (False, True, SETTINGS["meta"])
    assert theirs.delete_recording_after_days == 45
    ours = await both.ours.live_inputs.create(**keyed)
    assert ours.uid == theirs.uid  # the key is known, whoever sends it
    assert ours.default_creator == "ann"
    both.alike(ours, theirs)
    return theirs.uid


async def _changed(both: Both, uid: str) -> None:
    plain = await both.ours.live_inputs.create(recording={"mode": "off"})
    both.alike(plain, await both.theirs.live_inputs.get(plain.uid, account_id=both.account))
    theirs = await both.theirs.live_inputs.update(plain.uid, account_id=both.account, **SETTINGS)
    assert theirs is not None
    both.alike(await both.ours.live_inputs.get(plain.uid), theirs)
    assert theirs.recording is not None
    assert theirs.recording.model_dump() == SETTINGS["recording"]
    await both.ours.live_inputs.rotate_keys(plain.uid)
    theirs = await both.theirs.live_inputs.get(plain.uid, account_id=both.account)
    both.alike(await both.ours.live_inputs.get(plain.uid), theirs)
    assert theirs is not None
    assert theirs.keys_rotated_at is not None
    page = await both.ours.live_inputs.list(include_counts=True)
    listed = await both.theirs.live_inputs.list(account_id=both.account, include_counts=True)
    assert listed is not None
    assert listed.live_inputs is not None
    assert [each.uid for each in listed.live_inputs] == [plain.uid, uid]
    for pair in zip(page.items, listed.live_inputs, strict=True):
        both.alike(*pair)
    assert (page.total, page.range) == (listed.total, listed.range) == (2, 2)


async def _sent_on(both: Both, uid: str) -> None:
    outputs = both.theirs.live_inputs.outputs
    made = await outputs.create(uid, account_id=both.account, enabled=False, **TARGET)
    assert made is not None
    assert made.uid is not None
    assert (made.url, made.stream_key, made.enabled) == (*TARGET.values(), False)
    changed = await outputs.update(made.uid, account_id=both.account, live_input_identifier=uid, enabled=True)
    assert changed is not None
    assert changed.enabled is True
    (ours,) = [output async for output in both.ours.live_inputs.outputs.list(uid)]
    (theirs,) = [output async for output in outputs.list(uid, account_id=both.account)]
    both.alike(ours, theirs)
    both.alike(ours, changed)
    gone = outputs.delete(made.uid, account_id=both.account, live_input_identifier=uid)
    assert await gone is None  # type: ignore[func-returns-value]  # shown
    assert (await both.ours.live_inputs.outputs.list(uid)).items == []


async def _seen_on_the_service(both: Both, uid: str) -> None:
    """The emulator takes no broadcasts: an input that had one is shown as the service was seen to show it."""
    both.replay("LIVE_INPUTS_GET", "LiveInput")
    ours = await both.ours.live_inputs.get(uid)
    both.alike(ours, await both.theirs.live_inputs.get(uid, account_id=both.account))
    assert ours.status is not None
    assert (ours.status.current.state, ours.status.current.reason) == ("disconnected", "client_disconnect")
    both.replay("LIVE_INPUTS_OUTPUTS_UPDATE", "Output")
    output = await both.ours.live_inputs.outputs.update("f" * 32, live_input_identifier=uid, enabled=False)
    theirs = await both.theirs.live_inputs.outputs.update(
        "f" * 32, account_id=both.account, live_input_identifier=uid, enabled=False
    )
    both.alike(output, theirs)
