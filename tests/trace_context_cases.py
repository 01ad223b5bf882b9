"""Requests with odd and ordinary trace headers, and what W3C trace context, level 2, makes of each."""

from typing import Final, NamedTuple

TRACE: Final = "12345678901234567890123456789012"
OTHER: Final = "12345678901234567890123456789011"
SPAN: Final = "1234567890123456"
VALID: Final = f"00-{TRACE}-{SPAN}-01"
ALL_KEY: Final = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
ALL_VALUE: Final = "".join(chr(each) for each in range(0x20, 0x7F) if chr(each) not in ",=")
HEX: Final = [f"{digit:x}{15 - digit:x}" for digit in range(16)]
LONG: Final = ",".join(f"vendor{number:02}={'v' * 256}" for number in range(20))


class Case(NamedTuple):
    name: str
    headers: list[tuple[str, str]]
    flags: str = ""  # of the trace that is continued, as the caller's sampler is honoured; empty: a new trace begins
    state: str = ""  # what is passed on of `tracestate`


def _begun(name: str, *traceparents: str) -> Case:
    return Case(f"new: {name}", [*(("traceparent", each) for each in traceparents), ("tracestate", "a=1")])


def _continued(name: str, traceparent: str, flags: str = "01") -> Case:
    return Case(f"continued: {name}", [("traceparent", traceparent)], flags)


def _kept(name: str, *tracestates: str, state: str) -> Case:
    return Case(
        f"tracestate kept: {name}",
        [("traceparent", VALID), *(("tracestate", each) for each in tracestates)],
        "01",
        state,
    )


def _dropped(name: str, *tracestates: str) -> Case:
    return Case(
        f"tracestate dropped: {name}", [("traceparent", VALID), *(("tracestate", each) for each in tracestates)], "01"
    )


def members(first: int, last: int) -> str:
    return ",".join(f"bar{number:02}={number:02}" for number in range(first, last + 1))


def _two_headers(length: int) -> tuple[str, str]:
    """So many characters once they are joined by a comma and a blank."""
    whole = [f"a{number:02}={'v' * 256}" for number in range(31)]
    rest = length - len(", ".join((",".join(whole[:15]), ",".join(whole[15:])))) - len(",z=")
    return ",".join(whole[:15]), ",".join([*whole[15:], f"z={'v' * rest}"])


_TRACEPARENTS: Final = [
    Case("new: no header", []),
    Case("new: tracestate alone", [("tracestate", "foo=1,bar=2")]),
    Case("new: trace-parent", [("trace-parent", VALID)]),
    Case("new: trace.parent", [("trace.parent", VALID)]),
    _begun("two headers", f"00-{OTHER}-{SPAN}-01", VALID),
    _begun("the same header twice", VALID, VALID),
    _begun("a valid header and an empty one", VALID, ""),
    _begun("an empty header and a valid one", "", VALID),
    _begun("a valid header and a wrong one", VALID, "wrong"),
    _begun("three headers", VALID, VALID, VALID),
    _begun("a later version with more, and another header", f"cc-{TRACE}-{SPAN}-01-more", VALID),
    _begun("two headers that were joined", f"{VALID}, {VALID}"),
    _begun("two of a later version that were joined", f"cc-{TRACE}-{SPAN}-01-more, cc-{TRACE}-{SPAN}-01"),
    _begun("an empty header", ""),
    _begun("blanks only", " \t "),
    _begun("a single zero", "0"),
    _begun("no flags", f"00-{TRACE}-{SPAN}"),
    _begun("no flags, but their dash", f"00-{TRACE}-{SPAN}-"),
    _begun("version 00 goes on with a dot", f"{VALID}."),
    _begun("version 00 goes on with a dash", f"{VALID}-what-the-future-will-be-like"),
    _begun("version 00 ends with a dash", f"{VALID}-"),
    _begun("a later version goes on with a dot", f"cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like"),
    _begun("a later version goes on with hex digits", f"cc-{TRACE}-{SPAN}-011"),
    _begun("a later version has no flags", f"01-{TRACE}-{SPAN}"),
    _begun("version ff", f"ff-{TRACE}-{SPAN}-01"),
    _begun("version ff goes on", f"ff-{TRACE}-{SPAN}-01-more"),
    _begun("a dot first in the version", f".0-{TRACE}-{SPAN}-01"),
    _begun("a dot last in the version", f"0.-{TRACE}-{SPAN}-01"),
    _begun("version of three digits", f"000-{TRACE}-{SPAN}-01"),
    _begun("version of four digits", f"0000-{TRACE}-{SPAN}-01"),
    _begun("version of one digit", f"0-{TRACE}-{SPAN}-01"),
    _begun("upper case in the version", f"CC-{TRACE}-{SPAN}-01"),
    _begun("trace ID of zeros", f"00-{'0' * 32}-{SPAN}-01"),
    _begun("trace ID of zeros in a later version", f"cc-{'0' * 32}-{SPAN}-01"),
    _begun("a dot first in the trace ID", f"00-.{TRACE[1:]}-{SPAN}-01"),
    _begun("a dot last in the trace ID", f"00-{TRACE[:-1]}.-{SPAN}-01"),
    _begun("trace ID too long", f"00-{TRACE}3-{SPAN}-01"),
    _begun("trace ID too short", f"00-{TRACE[:-1]}-{SPAN}-01"),
    _begun("upper case in the trace ID", f"00-{'ABCDEF' + TRACE[6:]}-{SPAN}-01"),
    _begun("parent ID of zeros", f"00-{TRACE}-{'0' * 16}-01"),
    _begun("a dot first in the parent ID", f"00-{TRACE}-.{SPAN[1:]}-01"),
    _begun("a dot last in the parent ID", f"00-{TRACE}-{SPAN[:-1]}.-01"),
    _begun("parent ID too long", f"00-{TRACE}-{SPAN}7-01"),
    _begun("parent ID too short", f"00-{TRACE}-{SPAN[:-1]}-01"),
    _begun("upper case in the parent ID", f"00-{TRACE}-{'ABCDEF' + SPAN[6:]}-01"),
    _begun("a dot first in the flags", f"00-{TRACE}-{SPAN}-.0"),
    _begun("a dot last in the flags", f"00-{TRACE}-{SPAN}-0."),
    _begun("flags too long", f"00-{TRACE}-{SPAN}-001"),
    _begun("flags too short", f"00-{TRACE}-{SPAN}-1"),
    _begun("upper case in the flags", f"00-{TRACE}-{SPAN}-0B"),
    _begun("a blank inside", f"00-{TRACE} -{SPAN}-01"),
    _begun("a tab inside", f"00-\t{TRACE}-{SPAN}-01"),
    _begun("a blank for a dash", f"00 {TRACE}-{SPAN}-01"),
    _begun("another dash", f"00_{TRACE}_{SPAN}_01"),
    _begun("in quotes", f'"{VALID}"'),
    _continued("version 00", VALID),
    _continued("not sampled", f"00-{TRACE}-{SPAN}-00", "00"),
    _continued("random trace ID, not sampled", f"00-{TRACE}-{SPAN}-02", "02"),
    _continued("random trace ID, sampled", f"00-{TRACE}-{SPAN}-03", "03"),
    _continued("flags of the future", f"00-{TRACE}-{SPAN}-09"),
    _continued("all flags", f"00-{TRACE}-{SPAN}-ff", "03"),
    _continued("all flags but the sampled one", f"00-{TRACE}-{SPAN}-fe", "02"),
    *(_continued(f"flags {digits}", f"00-{TRACE}-{SPAN}-{digits}", f"0{int(digits, 16) & 3}") for digits in HEX),
    _continued("no flag that is known", f"00-{TRACE}-{SPAN}-fc", "00"),
    _continued("the next version", f"01-{TRACE}-{SPAN}-01"),
    _continued("the next version goes on", f"01-{TRACE}-{SPAN}-03-more", "03"),
    _continued("a later version", f"cc-{TRACE}-{SPAN}-01"),
    _continued("a later version goes on", f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"),
    _continued("a later version ends with a dash", f"cc-{TRACE}-{SPAN}-01-"),
    _continued("a later version is not sampled", f"cc-{TRACE}-{SPAN}-00-more", "00"),
    _continued("the last version", f"fe-{TRACE}-{SPAN}-01"),
    _continued("a blank before", f" {VALID}"),
    _continued("a tab before", f"\t{VALID}"),
    _continued("a blank after", f"{VALID} "),
    _continued("a tab after", f"{VALID}\t"),
    _continued("blanks and tabs around", f"\t {VALID} \t"),
    _continued("blanks and tabs around a later version", f"\t cc-{TRACE}-{SPAN}-01 \t"),
    Case("continued: TraceParent", [("TraceParent", VALID)], "01"),
    Case("continued: TrAcEpArEnT", [("TrAcEpArEnT", VALID)], "01"),
    Case("continued: TRACEPARENT", [("TRACEPARENT", VALID)], "01"),
]

_TRACESTATES: Final = [
    _kept("two members", "foo=1,bar=2", state="foo=1,bar=2"),
    Case(
        "tracestate kept: of a later version",
        [("traceparent", f"cc-{TRACE}-{SPAN}-01-more"), ("tracestate", "foo=1")],
        "01",
        "foo=1",
    ),
    Case(
        "tracestate kept: not sampled",
        [("traceparent", f"00-{TRACE}-{SPAN}-00"), ("tracestate", "foo=1,bar=2")],
        "00",
        "foo=1,bar=2",
    ),
    Case("tracestate kept: the header first", [("tracestate", "foo=1"), ("traceparent", VALID)], "01", "foo=1"),
    Case("tracestate kept: TraceState", [("traceparent", VALID), ("TraceState", "foo=1")], "01", "foo=1"),
    Case("tracestate kept: TRACESTATE", [("traceparent", VALID), ("TRACESTATE", "foo=1")], "01", "foo=1"),
    Case("tracestate dropped: trace-state", [("traceparent", VALID), ("trace-state", "foo=1")], "01"),
    Case("tracestate dropped: trace.state", [("traceparent", VALID), ("trace.state", "foo=1")], "01"),
    _kept(
        "three headers",
        "foo=1,bar=2",
        "rojo=1,congo=2",
        "baz=3",
        state="foo=1,bar=2,rojo=1,congo=2,baz=3",
    ),
    _kept("an empty header after", "foo=1", "", state="foo=1"),
    _kept("an empty header before", "", "foo=1", state="foo=1"),
    _kept("empty members", ",foo=1, ,\t,bar=2,", state="foo=1,bar=2"),
    _kept("all characters of a key", f"{ALL_KEY}={ALL_VALUE}", state=f"{ALL_KEY}={ALL_VALUE}"),
    _kept("a vendor's tenant", "a@b=1", state="a@b=1"),
    _kept(
        "all characters of a tenant",
        f"{ALL_KEY}@a-z0-9_-*/={ALL_VALUE}",
        state=f"{ALL_KEY}@a-z0-9_-*/={ALL_VALUE}",
    ),
    _kept("a tenant that begins with a digit", "0a@b=1", state="0a@b=1"),
    _kept("a key that begins with a digit", "0a=1", state="0a=1"),
    _kept("a key of one character", "a=1", state="a=1"),
    _kept("blanks and tabs around", "foo=1 \t , \t bar=2, \t baz=3", state="foo=1,bar=2,baz=3"),
    _kept("tabs and blanks around", "foo=1\t \t,\t \tbar=2,\t \tbaz=3", state="foo=1,bar=2,baz=3"),
    _kept("a blank before", " foo=1", state="foo=1"),
    _kept("a tab before", "\tfoo=1", state="foo=1"),
    _kept("a blank after", "foo=1 ", state="foo=1"),
    _kept("a tab after", "foo=1\t", state="foo=1"),
    _kept("all of that", "\t foo=1 \t", state="foo=1"),
    _kept("blanks that belong to a value", "foo= 1 2", state="foo= 1 2"),
    _kept("32 members", members(1, 32), state=members(1, 32)),
    _kept(
        "32 members in four headers",
        members(1, 10),
        members(11, 20),
        members(21, 30),
        members(31, 32),
        state=members(1, 32),
    ),
    _kept("more than 512 characters", LONG, state=LONG),
    _kept("a key of 256 characters", "foo=1", f"{'z' * 256}=1", state=f"foo=1,{'z' * 256}=1"),
    _kept("one key of 256 characters", f"{'z' * 256}=1", state=f"{'z' * 256}=1"),
    _kept(
        "a tenant of 241 and a vendor of 14 characters",
        f"foo=1,{'t' * 241}@{'v' * 14}=1",
        state=f"foo=1,{'t' * 241}@{'v' * 14}=1",
    ),
    _kept("a value of 256 characters", f"foo={'v' * 256}\t ,bar=2", state=f"foo={'v' * 256},bar=2"),
    _kept("a key that ends as another", "foo=1,oo=2,bfoo=3", state="foo=1,oo=2,bfoo=3"),
    _kept("the same values", "foo=1,bar=1", state="foo=1,bar=1"),
    _kept("8,192 characters in two headers", *_two_headers(8_192), state=",".join(_two_headers(8_192))),
    _dropped("8,193 characters in two headers", *_two_headers(8_193)),
    _dropped("an empty header", ""),
    _dropped("blanks only", " \t "),
    _dropped("commas only", ",,,"),
    _dropped("a key twice with one value", "foo=1,foo=1"),
    _dropped("a key twice", "foo=1,foo=2"),
    _dropped("a key twice, not together", "foo=1,bar=2,baz=3,\tfoo=4"),
    _dropped("the last key twice", "foo=1,bar=2,bar=3"),
    _dropped("a tenant twice", "a@b=1,a@b=2"),
    _dropped("a key in two headers, with one value", "foo=1", "foo=1"),
    _dropped("a key in two headers", "foo=1", "foo=2"),
    _dropped("a blank in a key", "foo =1"),
    _dropped("upper case in a key", "FOO=1"),
    _dropped("a dot in a key", "foo.bar=1"),
    _dropped("a key that begins with a dash", "-foo=1"),
    _dropped("no vendor", "foo@=1,bar=2"),
    _dropped("no tenant", "@foo=1,bar=2"),
    _dropped("two signs together", "foo@@bar=1,bar=2"),
    _dropped("two signs", "foo@bar@baz=1,bar=2"),
    _dropped("a vendor that begins with a digit", "foo@0bar=1,bar=2"),
    _dropped("33 members", members(1, 33)),
    _dropped("33 members in four headers", members(1, 10), members(11, 20), members(21, 30), members(31, 33)),
    _dropped("a key of 257 characters", "foo=1", f"{'z' * 257}=1"),
    _dropped("a tenant of 242 characters", "foo=1", f"{'t' * 242}@v=1"),
    _dropped("a vendor of 15 characters", "foo=1", f"t@{'v' * 15}=1"),
    _dropped("a value of 257 characters", f"foo={'v' * 257}"),
    _dropped("a value that ends beyond 256 blanks", f"foo=1{' ' * 256}1"),
    _dropped("an equals sign in a value", "foo=bar=baz"),
    _dropped("no value", "foo=,bar=3"),
    _dropped("a value of blanks", "foo=  ,bar=3"),
    _dropped("no key", "=1,bar=3"),
    _dropped("no equals sign", "foo,bar=3"),
    _dropped("a tab in a value", "foo=1\t2"),
    _dropped("a letter that is not ASCII", "foo=caf\u00e9"),
    _dropped("a wrong member at the end", "foo=1,bar"),
    _dropped("a wrong header beside a valid one", "foo=1", "bar"),
]

CASES: Final = _TRACEPARENTS + _TRACESTATES
