"""The forms in which the facts of the API are written down; see `contract_facts` for their sources and types."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Keyword:
    """One keyword of a call, or one key of an object inside a keyword.

    ``low`` and ``high`` bound the value, ``length`` the characters, ``octets`` the bytes, ``items`` the items of a
    list, ``days`` how far ahead of now a time may lie. ``place`` says where it goes when not where the call's others
    go; ``sample`` is a value as the wire has it, where one made from the type would not do; ``also`` is a second
    spelling that the service takes in its place.
    """

    python: str
    wire: str
    type: str
    required: bool = False
    null: bool = False
    low: float | None = None
    high: float | None = None
    length: int | None = None
    octets: int | None = None
    items: int | None = None
    days: tuple[int, int] | None = None
    choices: tuple[str, ...] = ()
    place: str = ""
    secret: bool = False
    sample: object = None
    also: str | None = None


@dataclass(frozen=True)
class Call:
    """One call: ``row`` is its constant, ``place`` where its keywords go, ``gives`` what comes back.

    ``inside`` is the key under which newer answers keep their list, ``null`` tells that the result may be null;
    ``one_of`` names keywords of which exactly one is given, ``any_of`` of which at least one, ``together`` which go
    together, ``rising`` two of which the second must be greater. ``own_headers`` go along unasked.
    """

    row: str
    call: str
    verb: str
    path: str
    gives: str
    retry: str
    positional: tuple[str, ...] = ()
    path_keywords: tuple[str, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    place: str = ""
    model: str = ""
    inside: str = ""
    null: bool = False
    accept: str | None = None
    status: int = 200
    file_max: int | None = None
    file_start: bytes = b""
    one_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()
    own_headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One field of an answer: ``always`` when the service never leaves it out, ``empty`` what stands when it does.

    ``unknown`` is the service's mark for a value it does not know yet, ``also`` a second spelling of the name, ``word``
    tells that a plain text may stand for the object.
    """

    python: str
    wire: str
    type: str
    always: bool = False
    empty: object = None
    unknown: object = None
    also: str | None = None
    secret: bool = False
    choices: tuple[str, ...] = ()
    word: bool = False


@dataclass(frozen=True)
class Model:
    """One object of the answers; ``sample`` holds a value for every field as the wire has it."""

    name: str
    fields: tuple[Field, ...]
    sample: dict[str, object] = field(default_factory=dict)
