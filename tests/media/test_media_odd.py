"""Every odd input of the table, encoded and decoded again, plain and with a watermark."""

from pathlib import Path

import pytest
from media_samples import ODD, decoded, image, make, red_box, samples_of

from cfstream.emulator.media.encode import encode
from cfstream.emulator.media.jobs import Mark
from cfstream.emulator.media.playback import decode_hls


@pytest.mark.parametrize("name", ODD)
def test_odd_input(tmp_path: Path, name: str) -> None:
    odd, out = ODD[name], tmp_path / "out"
    source = make(tmp_path / "a", **{"seconds": 1, **odd.kinds})
    mark = Mark(image=image(tmp_path / "m.png", (8, 8)), position="center", scale=0.4)
    pattern = {"pattern": ("color=c=gray",)}

    result = encode(source, out, preset="full")

    assert [(each.width, each.height) for each in result.renditions] == [odd.size]
    assert result.seconds == pytest.approx(odd.seconds, abs=0.1)
    proof = decode_hls(out / "video.m3u8")
    assert (proof.width, proof.height) == odd.size
    assert proof.frames == result.frames
    assert proof.seconds == pytest.approx(result.seconds, abs=0.1)
    assert result.has_audio == (proof.audio_frames > 0) == odd.audio
    if odd.audio:
        assert max(map(abs, samples_of(out / "audio" / "stream.m3u8"))) > 0.05

    grey = make(tmp_path / "grey", **{"seconds": 1, **odd.kinds, **pattern})
    encode(grey, tmp_path / "marked", preset="fast", marks=(mark,))
    (rung,) = (each for each in (tmp_path / "marked").iterdir() if each.name.isdecimal())
    box = red_box(decoded(rung / "stream.m3u8")[0])
    width, height = odd.size
    side = 0.4 * min(width, height)
    expected = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    assert box == pytest.approx(expected, abs=3)
