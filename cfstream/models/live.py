"""Live inputs: what the service tells about one, where it sends its picture on to, and the keywords of both."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

import attrs

from cfstream._limits import LIMITS
from cfstream._types import Secret
from cfstream.models._base import AtLeast, Between, Hidden, MaxBytes, NotBlank, extra_field, name_in
from cfstream.models.video import Creator, Playback

LiveState = Literal["connected", "connecting", "reconnecting", "disconnected", "errored"]
"""Seen on the service; a state not listed here is kept as a plain string."""

RecordingMode = Literal["off", "automatic"]

KeepDays = Annotated[float, Between(LIMITS.deletion_days_min, LIMITS.deletion_days_max)]

# The reference knows a status of one word, the service sends that word as the reason of a state.
_STATES = {
    "connected": "connected",
    "reconnected": "connected",
    "new_configuration_accepted": "connected",
    "reconnecting": "reconnecting",
    "client_disconnect": "disconnected",
    "ttl_exceeded": "disconnected",
    "failed_to_connect": "errored",
    "failed_to_reconnect": "errored",
}


@attrs.frozen(kw_only=True)
class LiveInputConnection:
    """One state of the connection between an encoder and a live input."""

    state: LiveState | str = ""
    reason: str | None = None
    """Why, such as ``client_disconnect`` (the words that the API reference lists as status)."""
    ingest_protocol: str | None = None
    """``rtmp``, ``srt`` or another way in."""
    status_entered_at: datetime | None = None
    status_last_seen: datetime | None = None
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class LiveInputStatus:
    """Whether somebody sends to a live input, now and before.

    The service sends an object with ``current`` and ``history``, the API reference names a single word; the word
    becomes the reason of ``current``.
    """

    current: LiveInputConnection = attrs.field(factory=LiveInputConnection)
    history: tuple[LiveInputConnection, ...] = ()
    """Earlier states, the latest first."""
    extra: Mapping[str, Any] = extra_field()

    @property
    def live(self) -> bool:
        """Whether the input is being sent to."""
        return self.current.state == "connected"

    @staticmethod
    def _reshaped(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return {"current": {"state": _STATES.get(value, value), "reason": value}}


@attrs.frozen(kw_only=True)
class LiveInputRecording:
    """What becomes of a broadcast; with mode ``off`` it is neither recorded nor playable over HLS and DASH."""

    mode: RecordingMode | str = "off"
    require_signed_urls: bool = False
    allowed_origins: tuple[str, ...] = ()
    """Where recordings may be embedded; empty means anywhere."""
    hide_live_viewer_count: bool = False
    timeout_seconds: int = 0
    """How long the encoder may be away before its return begins a new recording."""
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class Rtmps:
    """An RTMPS address with its key; whoever has both can broadcast, or watch."""

    url: Secret
    stream_key: Secret
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class Srt:
    """An SRT address with its stream id and passphrase."""

    url: Secret
    passphrase: Secret
    stream_id: str | None = None
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class WebRtc:
    """A WHIP or WHEP address; the key is part of it."""

    url: Secret
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class LiveInputSummary:
    """A live input as lists show it: without addresses, keys and recording settings."""

    uid: str
    created: datetime
    delete_recording_after_days: float | None = None
    enabled: bool = True
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    modified: datetime | None = None
    extra: Mapping[str, Any] = extra_field()

    def __hash__(self) -> int:
        return hash(self.uid)

    @property
    def name(self) -> str | None:
        """The name in ``meta``, where there is one."""
        return name_in(self.meta)


@attrs.frozen(kw_only=True)
class LiveInput(LiveInputSummary):
    """A place to broadcast to (API reference, live input)."""

    default_creator: str | None = None
    """The creator of recordings."""
    keys_rotated_at: datetime | None = None
    """When the keys were last changed; None when they never were."""
    playback: Playback = attrs.field(factory=Playback)
    prefer_low_latency: bool = False
    recording: LiveInputRecording = attrs.field(factory=LiveInputRecording)
    rtmps: Rtmps | None = None
    """Where to broadcast to over RTMPS."""
    rtmps_playback: Rtmps | None = None
    srt: Srt | None = None
    srt_playback: Srt | None = None
    status: LiveInputStatus | None = None
    """None before the first broadcast."""
    web_rtc: WebRtc | None = None
    web_rtc_playback: WebRtc | None = None

    __hash__ = LiveInputSummary.__hash__


@attrs.frozen(kw_only=True)
class Output:
    """Where a live input sends its picture on to."""

    uid: str
    url: Secret
    stream_key: Secret
    enabled: bool = True
    status: LiveInputStatus | None = None
    extra: Mapping[str, Any] = extra_field()

    def __hash__(self) -> int:
        return hash(self.uid)


class LiveInputListParams(TypedDict, total=False):
    """Keywords of ``stream.live_inputs.list``."""

    include_counts: bool
    """Whether the page carries ``total`` and ``range``."""


class LiveInputRecordingParams(TypedDict, total=False):
    """What becomes of a broadcast; what is left out keeps the service's default, or stays as it is."""

    mode: RecordingMode
    """``off`` (the service's default) also means no playback over HLS and DASH; ``automatic`` records."""
    require_signed_urls: bool
    """Whether the broadcast and its recordings need a signed token."""
    allowed_origins: Sequence[str] | None
    """Where they may be embedded; None or an empty list means anywhere."""
    hide_live_viewer_count: bool
    """Whether the number of viewers is kept back."""
    timeout_seconds: Annotated[int, AtLeast(0)]
    """How long the encoder may be away before its return begins a new recording."""


class LiveInputUpdateParams(TypedDict, total=False):
    """Keywords of ``stream.live_inputs.update`` (API reference): what is left out stays as it is."""

    meta: Mapping[str, Any]
    """Free metadata; ``name`` in it is what the dashboard shows. Send every key that is to stay: whether the service
    keeps the others is not documented."""
    default_creator: Creator
    """The creator of recordings, up to 64 characters."""
    delete_recording_after_days: KeepDays | None
    """Delete recordings after so many days, 30 to 1,096; None keeps them."""
    enabled: bool
    """Whether broadcasts are accepted; False also ends a running one."""
    prefer_low_latency: bool
    """Whether playback aims at low latency (LL-HLS)."""
    recording: LiveInputRecordingParams
    """What becomes of a broadcast."""


class LiveInputCreateParams(LiveInputUpdateParams, total=False):
    """Keywords of ``stream.live_inputs.create`` (API reference)."""

    idempotency_key: Annotated[str, MaxBytes(LIMITS.idempotency_key_length), NotBlank()]
    """The same key within 6 hours gives the same input, whatever else is sent, and a `ConflictError` once that input
    is deleted; each call makes up one of its own unless given."""


class _OutputTarget(TypedDict):
    url: Annotated[str, Hidden()]
    """The RTMP(S) or SRT address of the other service."""
    stream_key: Annotated[str, Hidden()]
    """The key that service gave out."""


class OutputCreateParams(_OutputTarget, total=False):
    """Keywords of ``stream.live_inputs.outputs.create`` (API reference)."""

    enabled: bool
    """Whether the picture is sent on at once; True is the service's default."""


class OutputUpdateParams(TypedDict):
    """The body of ``stream.live_inputs.outputs.update``."""

    enabled: bool
    """Whether the picture is sent on."""
