"""``_tus``: the resumable upload as a pure state machine, transition by transition and against a server that lies."""

import base64
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from unit_kit import UID, raw

from cfstream import InvalidInputError, Limits, UploadError, endpoints
from cfstream._answers import RawResponse
from cfstream._tus import Ask, Confirm, Create, Done, Send, Upload, encode_metadata, is_refusal, is_taken

URL = "https://upload.example/tus/x?tusv2=true"


def begun(size: int = 25, chunk: int = 10) -> Upload:
    """Give an upload that has its address."""
    upload = Upload(size=size, chunk_size=chunk)
    assert upload.next_request() == Create()
    upload.created(UID, URL)
    return upload


def resumed(size: int = 25, chunk: int = 10) -> Upload:
    return Upload(size=size, chunk_size=chunk, uid=UID, url=URL)


def at(offset: Any, status: int = 204, **headers: str) -> RawResponse:
    return raw(status, Upload_Offset=str(offset), **headers)


# --- the plain way -----------------------------------------------------------------------------------------------


def test_a_file_goes_chunk_by_chunk_and_the_video_itself_confirms_the_end() -> None:
    upload = begun()
    for offset, length in ((0, 10), (10, 10), (20, 5)):
        assert upload.next_request() == Send(URL, offset, length)
        upload.received(at(offset + length))
    assert upload.next_request() == Confirm(UID)
    upload.confirmed(complete=True)
    assert upload.next_request() == Done(UID)
    assert (upload.offset, upload.stalls) == (25, 0)


def test_asking_twice_gives_the_same_step() -> None:
    upload = begun()
    assert upload.next_request() == upload.next_request() == Send(URL, 0, 10)


@pytest.mark.parametrize(
    ("size", "lengths"), [(1, [1]), (9, [9]), (10, [10]), (11, [10, 1]), (46, [10, 10, 10, 10, 6])]
)
def test_the_last_chunk_is_what_remains(size: int, lengths: list[int]) -> None:
    upload = begun(size)
    sent = []
    while isinstance(step := upload.next_request(), Send):
        sent.append(step.length)
        upload.received(at(step.offset + step.length))
    assert sent == lengths


def test_what_the_requests_say() -> None:
    assert Ask(URL).headers == {"Tus-Resumable": "1.0.0"}
    assert Send(URL, 10, 5).headers == {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "10",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": "5",
    }


# --- doubts are settled by asking --------------------------------------------------------------------------------


@pytest.mark.parametrize("had", [0, 4, 10])
def test_a_lost_answer_is_settled_by_asking(had: int) -> None:
    upload = begun()
    upload.interrupted()
    assert upload.next_request() == Ask(URL)
    upload.received(at(had, 200))
    assert upload.next_request() == Send(URL, had, min(10, 25 - had))


def test_a_lost_answer_to_the_question_is_asked_again() -> None:
    upload = resumed()
    upload.interrupted()
    upload.interrupted()
    assert upload.next_request() == Ask(URL)
    assert upload.stalls == 2


@pytest.mark.parametrize("status", [408, 409, 423, 429, 500, 502, 503, 520])
def test_a_failed_chunk_is_settled_by_asking(status: int) -> None:
    upload = begun()
    upload.received(at(10, status))
    assert upload.next_request() == Ask(URL)


@pytest.mark.parametrize("status", [409, 423, 429, 500, 502])
def test_a_failed_question_is_asked_again_and_never_begins_anew(status: int) -> None:
    upload = begun()
    upload.interrupted()
    for _ in range(50):
        upload.received(raw(status))
        assert upload.next_request() == Ask(URL)


@pytest.mark.parametrize(
    "offset", ["", "abc", "-1", "1.0", " 10", "0x0a", "१०", "1" * 19, "11", "25", "999999999", "0", "10 10"]
)
def test_an_offset_that_cannot_be_true_is_settled_by_asking(offset: str) -> None:
    upload = begun()
    upload.received(at(offset))
    assert upload.next_request() == Ask(URL)
    assert upload.stalls == 1
    upload.received(at(10, 200))
    assert upload.next_request() == Send(URL, 10, 10)


def test_a_missing_offset_is_settled_by_asking() -> None:
    upload = begun()
    upload.received(raw(204))
    assert upload.next_request() == Ask(URL)
    upload.received(raw(200))
    assert upload.next_request() == Ask(URL)


def test_a_chunk_taken_in_part_goes_on_from_there() -> None:
    upload = begun()
    upload.received(at(7))
    assert upload.next_request() == Send(URL, 7, 10)


def test_a_server_that_lost_bytes_is_given_them_again() -> None:
    upload = begun()
    upload.received(at(10))
    upload.interrupted()
    upload.received(at(3, 200))
    assert upload.next_request() == Send(URL, 3, 10)
    assert upload.stalls == 2


@pytest.mark.parametrize("claimed", [20, 25])
def test_a_chunk_of_a_resumed_upload_is_not_answered_by_more_than_it_held(claimed: int) -> None:
    upload = resumed()
    upload.received(at(5, 200))
    assert upload.next_request() == Send(URL, 5, 10)
    upload.received(at(claimed))
    assert upload.next_request() == Ask(URL)
    assert upload.stalls == 1


def test_a_chunk_that_is_sent_again_is_not_answered_by_what_was_sent_before() -> None:
    upload = begun(size=35)
    upload.received(at(10))
    upload.received(at(20))
    upload.interrupted()
    upload.received(at(0, 200))
    assert upload.next_request() == Send(URL, 0, 10)
    upload.received(at(30))
    assert upload.next_request() == Ask(URL)
    upload.received(at(10, 200))
    assert upload.next_request() == Send(URL, 10, 10)


# --- stalls ------------------------------------------------------------------------------------------------------


def test_a_stall_is_a_chunk_that_failed_and_counts_until_the_server_has_more_than_ever_before() -> None:
    upload = begun()
    for count in range(1, 5):
        upload.interrupted()
        assert upload.stalls == count
        upload.received(at(0, 200))
        assert upload.stalls == count
    upload.received(at(1))
    assert upload.stalls == 0
    upload.interrupted()
    upload.received(at(1, 200))
    assert upload.stalls == 1


def test_a_pause_that_was_asked_for_is_no_stall() -> None:
    upload = begun()
    upload.paused()
    assert upload.next_request() == Ask(URL)
    upload.received(at(0, 200))
    assert upload.stalls == 0


def test_two_hundred_chunks_each_with_its_answer_lost_are_progress_all_the_same() -> None:
    upload = begun(size=2000)
    worst = 0
    for chunk in range(1, 200):
        upload.interrupted()
        worst = max(worst, upload.stalls)
        upload.received(at(chunk * 10, 200))
        assert upload.stalls == 0
    assert worst == 1


# --- the end -----------------------------------------------------------------------------------------------------


def test_only_a_question_or_the_video_itself_ends_an_upload() -> None:
    upload = begun(size=10)
    upload.received(at(10))
    assert upload.next_request() == Confirm(UID)
    upload.confirmed(complete=False)
    assert upload.next_request() == Ask(URL)
    upload.received(at(10, 200))
    assert upload.next_request() == Done(UID)


def test_a_server_that_claimed_the_end_too_early_is_given_the_rest() -> None:
    upload = begun(size=10)
    upload.received(at(10))
    upload.confirmed(complete=False)
    upload.received(at(4, 200))
    assert upload.next_request() == Send(URL, 4, 6)


# --- contradictions ----------------------------------------------------------------------------------------------


def test_a_server_with_more_than_was_sent_is_not_believed() -> None:
    upload = begun()
    upload.interrupted()
    with pytest.raises(UploadError, match="the server claims 11 bytes, but only 10 were sent") as caught:
        upload.received(at(11, 200))
    assert (caught.value.uid, caught.value.offset) == (UID, 0)


def test_a_server_with_another_length_is_not_believed() -> None:
    upload = resumed()
    with pytest.raises(UploadError, match="the server expects 26 bytes, but the file has 25"):
        upload.received(at(10, 200, Upload_Length="26"))


@pytest.mark.parametrize("length", ["25", "", "unknown"])
def test_a_length_that_fits_or_says_nothing_is_fine(length: str) -> None:
    upload = resumed()
    upload.received(at(10, 200, Upload_Length=length))
    assert upload.next_request() == Send(URL, 10, 10)


# --- vanished uploads --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
def test_a_vanished_upload_is_begun_anew_twice_and_no_more(status: int) -> None:
    upload = begun()
    for _ in range(2):
        upload.received(at(10))
        upload.received(raw(status))
        assert upload.next_request() == Create()
        assert upload.offset == 0
        upload.created(UID, URL)
        assert upload.next_request() == Send(URL, 0, 10)
    with pytest.raises(UploadError, match="vanished from the server 3 times") as caught:
        upload.received(raw(status))
    assert caught.value.status == status


def test_an_upload_that_vanished_when_all_was_sent_may_be_finished() -> None:
    upload = begun(size=10)
    upload.interrupted()
    upload.received(raw(404))
    assert upload.next_request() == Confirm(UID)
    upload.confirmed(complete=True)
    assert upload.next_request() == Done(UID)


def test_an_upload_that_vanished_unfinished_is_begun_anew() -> None:
    upload = begun(size=10)
    upload.interrupted()
    for _ in range(2):  # what the service says of a video may lag behind what it has
        upload.received(raw(410))
        assert upload.next_request() == Confirm(UID)
        upload.confirmed(complete=False)
        assert upload.next_request() == Ask(URL)
    upload.received(raw(410))
    assert upload.next_request() == Create()


def test_a_new_upload_knows_nothing_of_the_vanished_one() -> None:
    upload = begun(size=20)
    upload.received(at(10))
    upload.received(raw(404))
    upload.created("ff" * 16, "https://other/y")
    upload.interrupted()
    with pytest.raises(UploadError, match="claims 20 bytes, but only 10 were sent"):
        upload.received(at(20, 200))


# --- taking up an upload of an earlier process -------------------------------------------------------------------


def test_an_upload_with_an_address_begins_by_asking() -> None:
    upload = resumed()
    assert upload.next_request() == Ask(URL)
    upload.received(at(20, 200))
    assert upload.next_request() == Send(URL, 20, 5)


def test_an_upload_of_an_earlier_process_may_be_complete() -> None:
    upload = resumed()
    upload.received(at(25, 200))
    assert upload.next_request() == Done(UID)


@pytest.mark.parametrize("status", [200, 204])
def test_both_answers_to_the_question_are_good(status: int) -> None:
    upload = resumed()
    upload.received(at(10, status))
    assert upload.next_request() == Send(URL, 10, 10)


# --- which failures are for whom ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 405, 411, 412, 413, 415, 422, 460])
def test_refusals_are_for_the_caller(status: int) -> None:
    assert is_refusal(status)
    assert not is_taken(status)


@pytest.mark.parametrize("status", [404, 408, 409, 410, 423, 429, 500, 502, 503, 504, 520, 524])
def test_other_failures_are_for_the_machine(status: int) -> None:
    assert not is_refusal(status)
    assert not is_taken(status)


def test_a_chunk_that_was_taken_is_no_failure() -> None:
    assert is_taken(200)
    assert is_taken(204)
    assert not is_taken(201)


# --- against a server that loses answers and lies, but not when asked --------------------------------------------


class Server:
    """Holds bytes; a chunk at another offset is refused."""

    def __init__(self) -> None:
        self.held = b""
        self.gone = False

    def take(self, offset: int, data: bytes) -> bool:
        if self.gone or offset != len(self.held):
            return False
        self.held += data
        return True


class LyingServer(RuleBasedStateMachine):
    """Whatever the server does to chunks and answers, the upload ends only when the server holds all of the file."""

    data = bytes(range(97))
    chunk = 10

    def __init__(self) -> None:
        super().__init__()
        self.upload = Upload(size=len(self.data), chunk_size=self.chunk)
        self.server = Server()
        self.created = 0
        self.ended = False

    def step(self) -> Any:
        return self.upload.next_request()

    def answer(self, response: RawResponse) -> None:
        try:
            self.upload.received(response)
        except UploadError:
            self.ended = True

    @precondition(lambda self: not self.ended and isinstance(self.step(), Create))
    @rule()
    def create(self) -> None:
        self.created += 1
        self.server = Server()
        self.upload.created(UID, URL)

    @precondition(lambda self: not self.ended and isinstance(self.step(), Send))
    @rule(
        taken=st.integers(0, 10),
        answer=st.sampled_from(["true", "lost", "missing", "garbage", "low", "high", "same", "size", "status"]),
        lie=st.integers(0, 120),
        status=st.sampled_from([200, 204, 409, 423, 429, 500, 502]),
    )
    def send(self, taken: int, answer: str, lie: int, status: int) -> None:
        step = self.step()
        self.server.take(step.offset, self.data[step.offset : step.offset + min(taken, step.length)])
        told: dict[str, object] = {
            "true": len(self.server.held),
            "garbage": "ten",
            "low": max(0, len(self.server.held) - lie),
            "high": len(self.server.held) + lie,
            "same": step.offset,
            "size": len(self.data),
            "status": lie,
        }
        if self.server.gone:
            self.answer(raw(404))
        elif answer == "lost":
            self.upload.interrupted()
        elif answer == "missing":
            self.answer(raw(204))
        else:
            self.answer(at(told[answer], status if answer == "status" else 204))

    @precondition(lambda self: not self.ended and isinstance(self.step(), Ask))
    @rule(how=st.sampled_from(["true", "true", "true", "lost", "missing", "status"]))
    def ask(self, how: str) -> None:
        if self.server.gone:
            self.answer(raw(404))
        elif how == "true":
            self.answer(at(len(self.server.held), 200, Upload_Length=str(len(self.data))))
        elif how == "lost":
            self.upload.interrupted()
        else:
            self.answer(raw(200 if how == "missing" else 502))

    @precondition(lambda self: not self.ended and isinstance(self.step(), Confirm))
    @rule()
    def confirm(self) -> None:
        self.upload.confirmed(complete=self.server.held == self.data)

    @precondition(lambda self: self.created and not self.ended)
    @rule(lost=st.integers(1, 40))
    def lose_bytes(self, lost: int) -> None:
        """A crash: what was acknowledged is no longer there."""
        if self.server.held != self.data:
            self.server.held = self.server.held[: max(0, len(self.server.held) - lost)]

    @precondition(lambda self: self.created and not self.ended)
    @rule()
    def vanish(self) -> None:
        self.server.gone = True

    @precondition(lambda self: self.ended)
    @rule()
    def rest(self) -> None:
        """Nothing more happens."""

    @invariant()
    def done_means_that_all_is_there(self) -> None:
        if not self.ended and isinstance(self.step(), Done):
            assert self.server.held == self.data
            self.ended = True

    @invariant()
    def it_is_begun_at_most_three_times(self) -> None:
        assert self.created <= 3

    @invariant()
    def chunks_lie_within_the_file(self) -> None:
        step = self.step()
        if isinstance(step, Send):
            assert 0 <= step.offset < len(self.data)
            assert 0 < step.length <= self.chunk
            assert step.offset + step.length <= len(self.data)

    def teardown(self) -> None:
        """From wherever the upload stands, an honest server brings it to its end."""
        steps = 0
        while not self.ended and not isinstance(step := self.step(), Done):
            steps += 1
            assert steps < 200
            match step:
                case Create():
                    self.create()
                case Send():
                    self.server.take(step.offset, self.data[step.offset : step.offset + step.length])
                    self.answer(raw(404) if self.server.gone else at(len(self.server.held)))
                case Ask():
                    self.ask("true")
                case Confirm():
                    self.confirm()
        if not self.ended:
            assert self.server.held == self.data


TestLyingServer = LyingServer.TestCase
TestLyingServer.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


# --- creation ----------------------------------------------------------------------------------------------------


def test_metadata_is_keys_with_values_in_base64() -> None:
    header = encode_metadata({"name": "Grüße 🎬.mp4", "requiresignedurls": None, "empty": ""})
    name, flag, empty = header.split(",")
    key, value = name.split(" ")
    assert (key, base64.b64decode(value).decode()) == ("name", "Grüße 🎬.mp4")
    assert (flag, empty) == ("requiresignedurls", "empty ")


@pytest.mark.parametrize("key", ["", "two words", "a,b", "naïve", "tab\t", "line\n", 5, None])
def test_keys_of_metadata_are_printable_ascii_without_blanks_and_commas(key: Any) -> None:
    with pytest.raises(InvalidInputError, match="upload metadata: key"):
        encode_metadata({key: "x"})


@pytest.mark.parametrize("value", [5, b"x", True, ["x"]])
def test_values_of_metadata_are_text(value: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"upload metadata: size must be text, got \w+; write str\(value\)"):
        encode_metadata({"size": value})


def test_metadata_longer_than_a_header_may_be_is_refused() -> None:
    room = Limits().metadata_header
    with pytest.raises(InvalidInputError, match=f"above the limit of {room}; set long values by stream.edit"):
        encode_metadata({"description": "x" * room})


def test_a_name_that_is_no_unicode_is_refused_or_written_but_does_not_break() -> None:
    name = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")  # how Python gives a file name in Latin-1
    try:
        header = encode_metadata({"name": name})
    except InvalidInputError:
        return
    assert header.startswith("name ")


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Auth-Key: 1", "a\0", "\x7f"])
@pytest.mark.parametrize("name", ["upload_creator", "upload_metadata"])
def test_line_breaks_do_not_get_into_headers(name: str, value: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{name}: line breaks and control characters"):
        endpoints.STREAM_CREATE({"upload_length": 1, name: value})


def test_metadata_may_be_given_as_it_stands_or_to_be_encoded() -> None:
    for given in ("name dA==", {"name": "t"}):
        headers = endpoints.STREAM_CREATE({"upload_length": 1, "upload_metadata": given}).encoded.headers
        assert headers is not None
        assert headers["Upload-Metadata"] == "name dA=="


@pytest.mark.parametrize("value", [5, ["name dA=="], b"name dA=="])
def test_metadata_of_another_kind_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^upload_metadata: "):
        endpoints.STREAM_CREATE({"upload_length": 1, "upload_metadata": value})


def test_direct_user_goes_in_the_query_when_it_is_wanted() -> None:
    assert endpoints.STREAM_CREATE({"upload_length": 1, "direct_user": True}).encoded.query == {"direct_user": "true"}
    assert endpoints.STREAM_CREATE({"upload_length": 1, "direct_user": False}).encoded.query is None


@pytest.mark.parametrize("length", [-1, 30_000_000_001])
def test_a_file_has_a_length_the_service_takes(length: int) -> None:
    with pytest.raises(InvalidInputError, match="upload_length: must lie between 0 and"):
        endpoints.STREAM_CREATE({"upload_length": length})
