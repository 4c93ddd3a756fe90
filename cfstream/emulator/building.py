"""How the parts of an emulator come together: built, begun in their order, and served until the end."""

import contextlib
import fcntl
import logging
import os
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import attrs

from cfstream.emulator.access.tokens import Signer
from cfstream.emulator.api import audio
from cfstream.emulator.app import make_app
from cfstream.emulator.checks import UID
from cfstream.emulator.control.state import Control
from cfstream.emulator.control.sweeping import on_moves
from cfstream.emulator.delivery.deliveries import Sender
from cfstream.emulator.encoding.jobs import Jobs
from cfstream.emulator.encoding.made import Made
from cfstream.emulator.encoding.transcribing import Transcriber, Transcriptions
from cfstream.emulator.errors import EmulatorError
from cfstream.emulator.ingest import server as ingest
from cfstream.emulator.ingest.broadcasts import Broadcasts
from cfstream.emulator.media.jobs import PresetName
from cfstream.emulator.service import Credentials, Service
from cfstream.emulator.serving import connections as serving
from cfstream.emulator.serving import hosts
from cfstream.emulator.storage import disk
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.store import Store
from cfstream.emulator.uploading import copies, incoming, seeding, tus

_DATABASE: Final = "emulator.sqlite"

_log = logging.getLogger("cfstream.emulator")


def _is_uid(_plan: object, _attribute: object, value: str) -> None:
    if not UID.fullmatch(value):
        raise EmulatorError(f"account_id: {value!r:.80} is not 32 hexadecimal digits in lower case")


def _is_size(_plan: object, _attribute: object, value: int | None) -> None:
    if value is not None and value < 0:
        raise EmulatorError("disk_quota: must be a number of bytes")


@attrs.frozen(kw_only=True)
class Plan:
    """What an emulator is to be each time it starts: the arguments of `Emulator`, looked at."""

    data_dir: Path | None
    port: int
    preset: PresetName
    account_id: str = attrs.field(validator=_is_uid)
    credentials: Credentials
    allow_private_fetch: bool
    transcriber: Transcriber | None
    host: str
    hosts: hosts.Hosts
    disk_quota: int | None = attrs.field(validator=_is_size)
    seed: Path | None
    live_port: int


@asynccontextmanager
async def serving_all(plan: Plan, control: Control) -> AsyncGenerator[Service]:
    """Build an emulator and serve it; what was unfinished when it ended the last time goes on.

    Raises:
        EmulatorError: a port or the data folder is in use or cannot be used, or its folder cannot be seeded.
    """
    async with AsyncExitStack() as stack:
        service = await _build(stack, plan, control)
        service.home = await stack.enter_async_context(_served(service, plan.host, plan.port))
        if hosts.is_open(plan.host):
            _log.warning(hosts.WARNING, plan.host)
        await stack.enter_async_context(on_moves(service))
        await _go_on(service)
        await stack.enter_async_context(ingest.served(service.broadcasts, plan.host, plan.live_port))
        stack.push_async_callback(seeding.end, service)
        if plan.seed is not None:
            await seeding.seed(service, plan.seed)
        yield service


async def _go_on(service: Service) -> None:
    tus.finish_complete(service)
    service.sender.start(service.site)
    service.jobs.restart()
    incoming.clear(service.library)
    copies.resume(service)
    audio.resume(service)
    service.transcriptions.resume(service)
    await service.broadcasts.resume()


async def _build(stack: AsyncExitStack, plan: Plan, control: Control) -> Service:
    if plan.data_dir is None:
        temporary = tempfile.TemporaryDirectory(prefix="cfstream-emulator-", ignore_cleanup_errors=True)
        root = Path(stack.enter_context(temporary))
    else:
        root = stack.enter_context(_locked(plan.data_dir))
    disk.prepare(root)
    store = stack.enter_context(contextlib.closing(Store(None if plan.data_dir is None else root / _DATABASE)))
    library = Library(store, root, control.clock)
    room = disk.Disk(root, plan.disk_quota)
    jobs, made = Jobs(library, plan.preset, room), Made(room)
    sender = Sender(library, control.clock, control.deliveries, private=plan.allow_private_fetch)
    stack.push_async_callback(sender.close)
    stack.push_async_callback(jobs.close)
    stack.push_async_callback(made.close)
    return Service(
        account_id=plan.account_id,
        credentials=plan.credentials,
        control=control,
        library=library,
        jobs=jobs,
        made=made,
        signer=Signer(library),
        sender=sender,
        transcriptions=Transcriptions(plan.transcriber),
        hosts=plan.hosts,
        disk=room,
        broadcasts=Broadcasts(library=library, jobs=jobs, control=control, disk=room),
        allow_private_fetch=plan.allow_private_fetch,
    )


@asynccontextmanager
async def _served(service: Service, host: str, port: int) -> AsyncGenerator[str]:
    """Serve the application; gives its address."""
    async with serving.served(make_app(service), host, port) as site:
        yield site
        service.closing.set()
        service.writers.stop_all()


@contextmanager
def _locked(folder: Path) -> Generator[Path]:
    """Keep a data folder to ourselves."""
    try:
        # It holds private keys: nobody else may read it, whatever the umask.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with contextlib.suppress(IsADirectoryError):  # which opening the database tells
            os.close(os.open(folder / _DATABASE, flags, 0o600))
        descriptor = os.open(folder / "lock", flags, 0o600)
    except OSError as error:
        raise EmulatorError(f"The data folder {folder} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EmulatorError(f"The data folder {folder} is in use by another emulator") from error
        yield folder
    finally:
        os.close(descriptor)
