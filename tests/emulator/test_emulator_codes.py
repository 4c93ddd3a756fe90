"""The codes that the emulator answers with are those of the one catalogue."""

from cfstream.emulator import answers
from cfstream.emulator.encoding import jobs
from cfstream.emulator.media import errors
from cfstream.emulator.uploading import copies
from cfstream.errors import CODES


def test_every_code_of_an_answer_is_in_the_catalogue() -> None:
    codes = {value for value in vars(answers).values() if type(value) is int}
    assert len(codes) >= 10
    assert codes <= CODES.keys()


def test_every_reason_of_a_failed_encode_is_in_the_catalogue() -> None:
    found = {value for module in (errors, jobs, copies) for value in vars(module).values() if isinstance(value, str)}
    reasons = {value for value in found if value.startswith("ERR_")}
    assert reasons == {code for code in CODES if isinstance(code, str)}
