"""`lint-bot` over made source trees: what posts, what records, and what it says of the rest."""

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest

from domain.rules import Rules
from tests.tools.command import Ran, run
from tools.lintbot import findings
from tools.lintbot.names import Vocabulary
from tools.outcome import FOUND, GOOD, USAGE, Outcome

RULES = Rules.of_prefixes({"mm_xb_": "cross_bracket", "mm_dir_": "directional"})
POST = 'client.create_order(client_order_id=f"mm_xb_{market}")'
RECORD = 'record("bot.order_posted", posted)'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a bot: file names (with . for /) and their sources."""

    def written(**sources: str) -> Path:
        root = tmp_path / "bot"
        for name, text in sources.items():
            path = root / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), "utf-8")
        return root

    return written


def linted(root: Path, *, rules: Rules | None = RULES, **names: str) -> Outcome:
    vocabulary = Vocabulary(**{name: frozenset(told.split()) for name, told in names.items()})
    return findings.lint(root, rules=rules, vocabulary=vocabulary)


def found(done: Outcome, rule: str = "not recorded") -> list[tuple[str, int]]:
    """Where the findings of a rule stand."""
    return [(one["file"], one["line"]) for one in done.data["findings"] if one["rule"] == rule]


def noted(done: Outcome, rule: str) -> list[str]:
    return [one["file"] for one in done.data["notes"] if one["rule"] == rule]


def posts(done: Outcome) -> list[tuple[str, int]]:
    return [(one["file"], one["line"]) for one in done.data["posts"]]


def in_function(body: str) -> str:
    return "def trade(client, market, live):\n" + indent(dedent(body).strip("\n"), "    ") + "\n"


def test_s1_3_two_files_that_post_and_stand_on_no_hand_list_are_found(write: Write) -> None:
    recorded = in_function(f"posted = {POST}\n{RECORD}")
    root = write(
        strategies__cross_bracket=recorded,
        strategies__market_maker=recorded,
        strategies__exits=in_function("return client.create_order(ticker=market)"),
        scripts__flatten="""
            import httpx
            from config import BASE
            httpx.post(f"{BASE}/portfolio/orders", json={"ticker": "A"})
        """,
    )
    done = linted(root)
    assert found(done) == [("scripts/flatten.py", 4), ("strategies/exits.py", 2)]
    assert done.verdict.startswith("4 call sites post orders, 2 without recording them")
    assert done.exit_code == FOUND


# --- what posts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        "client.create_order(ticker=market)",
        "client.create_order_v2(ticker=market)",
        "client.create_order_with_http_info(market)",
        "client.portfolio.batch_create_orders([market])",
        "ib.placeOrder(contract, order)",
        "self.client.place_limit_order(market)",
        'requests.post("https://host/trade-api/v2/portfolio/orders", json=market)',
        'requests.post(BASE + "/portfolio/orders/batched", json=market)',
        'requests.post("%s/portfolio/orders" % BASE)',
        'requests.post("{}/portfolio/orders".format(BASE))',
        "requests.post(urljoin(BASE, PATH), json=market)",
        "requests.post(self.PATH, json=market)",
        'session.request("POST", f"{BASE}{PATH}", json=market)',
        'session.request(method="post", url=BASE + PATH)',
        'self._request("POST", "/portfolio/events/orders", market)',
        "urllib.request.Request(BASE + PATH, method='POST')",
        "retry(client.create_order, market)",
        "functools.partial(ib.placeOrder, contract)",
        "[client.create_order(one) for one in market]",
        "submit(lambda: client.create_order(market))",
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_that_posts_is_found(write: Write, call: str, *, is_async: bool) -> None:
    source = 'PATH = "/portfolio/orders"\n' + in_function(call)
    if is_async:
        source = source.replace("def ", "async def ").replace("    ", "    await ", 1)
    assert found(linted(write(bot=source))) == [("bot.py", 3)]


@pytest.mark.parametrize(
    "call",
    [
        "client.get_orders()",
        "client.cancel_order(market)",
        "client.create_order_group(market)",
        "client.amend_order(market)",
        "CreateOrderRequest(ticker=market)",
        "ib.bracketOrder('BUY', 1, 2, 3, 4)",
        'requests.get(BASE + "/portfolio/orders")',
        'session.request("GET", BASE + "/portfolio/orders")',
        'requests.delete(f"{BASE}/portfolio/orders/{market}")',
        'requests.post(BASE + "/communications/quotes")',
        'self._headers("POST", "/portfolio/orders")',
        'hasattr(client, "create_order")',
    ],
)
def test_a_call_that_posts_nothing_is_none(write: Write, call: str) -> None:
    done = linted(write(bot=in_function(call)))
    assert (posts(done), done.exit_code) == ([], FOUND)
    assert done.verdict == "found no call that posts an order: name yours with --post"


def test_an_address_that_another_file_declares_is_followed(write: Write) -> None:
    root = write(
        settings='ORDERS_URL = "https://host/portfolio/orders"',
        bot="""
            import requests
            from settings import ORDERS_URL
            requests.post(ORDERS_URL, json={})
        """,
    )
    assert found(linted(root)) == [("bot.py", 4)]


def test_a_call_that_sends_posts_where_it_is_given_an_address(write: Write) -> None:
    root = write(
        bot="""
            import requests
            def send(path, body):
                return requests.post("https://host" + path, json=body)
            send("/portfolio/orders", {})
            send("/portfolio/quotes", {})
        """
    )
    assert found(linted(root)) == [("bot.py", 5)]


def test_names_of_the_user_count(write: Write) -> None:
    root = write(bot=in_function("broker.fire(market)\njot(market)"))
    assert linted(root).exit_code == FOUND
    assert found(linted(root, posts="fire")) == [("bot.py", 2)]
    assert linted(root, posts="fire", records="jot", rules=None).exit_code == GOOD
    assert posts(linted(root, posts="fire", not_posts="fire")) == []


def test_a_function_that_only_makes_an_order_is_named_by_the_user(write: Write) -> None:
    making = "def create_order(size):\n    return LimitOrder('BUY', size, 1)\n"
    root = write(bot=making + in_function("order = create_order(1)\nib.placeOrder(market, order)"))
    assert found(linted(root)) == [("bot.py", 4), ("bot.py", 5)]
    assert found(linted(root, not_posts="create_order")) == [("bot.py", 5)]


@pytest.mark.parametrize(
    "body", ["f = client.create_order\nf(market)", "{'a': ib.placeOrder}['a'](1)"]
)
def test_a_posting_method_under_another_name_posts_where_it_is_taken(
    write: Write, body: str
) -> None:
    assert found(linted(write(bot=in_function(body)))) == [("bot.py", 2)]
    assert found(linted(write(bot=in_function(f"{body}\n{RECORD}")))) == []


def test_two_wrappers_of_libraries_do_not_stand_in_for_each_other(write: Write) -> None:
    first = f"class A:\n    def create_order(self):\n        {POST}\n        {RECORD}\n"
    second = "class B:\n    def create_order(self):\n        self.inner.create_order()\n"
    assert found(linted(write(bot=first + second))) == [("bot.py", 7)]


def test_a_stub_of_the_tree_hides_no_post(write: Write) -> None:
    stub = "class Broker(Protocol):\n    def create_order(self, order): ...\n"
    root = write(bot=stub + in_function("client.create_order(market)"))
    assert found(linted(root)) == [("bot.py", 4)]


# --- a record behind it, in the same function ----------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        f"posted = {POST}\n{RECORD}",
        f'posted = {POST}\nself.recorder.record(kind="bot.order_posted", payload=posted)',
        f'record("bot.order_posted", {POST})',
        f"if live:\n    posted = {POST}\n    {RECORD}",
        f"posted = {POST}\nif posted:\n    {RECORD}",
        f"posted = {POST}\nif not posted:\n    return\n{RECORD}",
        f"try:\n    posted = {POST}\nfinally:\n    {RECORD}",
        f"try:\n    posted = {POST}\nexcept OSError:\n    raise\nelse:\n    {RECORD}",
        f"try:\n    return {POST}\nfinally:\n    {RECORD}",
        f"for one in market:\n    {POST}\n{RECORD}",
        f"while live:\n    posted = {POST}\n    {RECORD}\n    break",
        f"with {POST} as posted:\n    {RECORD}",
        f"[record('bot.order_posted', one) for one in [{POST}]]",
        f"match live:\n    case True:\n        posted = {POST}\n{RECORD}",
    ],
)
def test_a_record_behind_the_post_is_one(write: Write, body: str) -> None:
    done = linted(write(bot=in_function(body)))
    assert (found(done), done.exit_code) == ([], GOOD)
    assert done.verdict == "1 call site posts orders, all recorded"


@pytest.mark.parametrize(
    "body",
    [
        f"{RECORD}\nposted = {POST}",
        f"return {POST}\n{RECORD}",
        f"posted = {POST}\nreturn\n{RECORD}",
        f"if live:\n    {POST}\nelse:\n    {RECORD}",
        f"if live:\n    return {POST}\n{RECORD}",
        f"try:\n    {POST}\nexcept OSError:\n    {RECORD}",
        f"{POST}\ntry:\n    pass\nexcept OSError:\n    {RECORD}",
        f"{POST}\nif False:\n    {RECORD}",
        f"{POST}\nif True:\n    pass\nelse:\n    {RECORD}",
        f"{POST}\nwhile 0:\n    {RECORD}",
        f"{POST}\ndef later():\n    {RECORD}",
        f"for one in market:\n    {POST}\n    continue\n    {RECORD}",
        f'{POST}\nrecord("bot.decision", posted)',
        f'{POST}\nprint("bot.order_posted")',
        f"match live:\n    case True:\n        {POST}\n    case _:\n        {RECORD}",
    ],
)
def test_a_record_that_does_not_follow_the_post_is_none(write: Write, body: str) -> None:
    assert len(found(linted(write(bot=in_function(body))))) == 1


# --- a record elsewhere --------------------------------------------------------------------------


def test_a_function_that_records_counts_where_it_is_called(write: Write) -> None:
    notes = f"def note(posted):\n    keep(posted)\n\ndef keep(posted):\n    {RECORD}\n"
    root = write(notes=notes, bot="from notes import note\n" + in_function(f"note({POST})"))
    assert found(linted(root)) == []
    notes = notes.replace(RECORD, "print(posted)")
    root = write(notes=notes, bot="from notes import note\n" + in_function(f"note({POST})"))
    assert found(linted(root)) == [("bot.py", 3)]


def test_the_record_of_another_order_is_not_this_ones(write: Write) -> None:
    other = f"def other(client, market):\n    posted = {POST}\n    {RECORD}\n"
    root = write(bot=other + in_function(f"{POST}\nother(client, market)"))
    assert found(linted(root)) == [("bot.py", 5)]


def test_callers_that_do_not_record_are_told_where_others_do(write: Write) -> None:
    root = write(
        client="""
            import requests
            class Client:
                def create_order(self, **body):
                    return requests.post("https://host/portfolio/orders", json=body)
        """,
        good=f"from client import Client\nclient = Client()\nposted = {POST}\n{RECORD}\n",
        bad=f"from client import Client\nclient = Client()\nposted = {POST}\n",
    )
    done = linted(root)
    assert found(done) == [("client.py", 5)]
    assert done.data["findings"][0]["callers"] == ("bad.py:3",)
    assert "called without a record at bad.py:3" in done.data["findings"][0]["detail"]
    assert posts(done) == [("bad.py", 3), ("client.py", 5), ("good.py", 3)]


def test_a_library_is_not_taken_for_the_wrapper_of_the_same_name(write: Write) -> None:
    root = write(
        wrapper=f"class Wrapper:\n    def create_order(self):\n        {POST}\n        {RECORD}\n",
        bot="""
            from kalshi_python import KalshiClient
            client = KalshiClient()
            client.create_order(ticker="A")
        """,
    )
    assert found(linted(root)) == [("bot.py", 4)]


def test_the_wrapper_of_the_tree_records_for_its_callers(write: Write) -> None:
    root = write(
        wrapper=f"class Wrapper:\n    def create_order(self):\n        {POST}\n        {RECORD}\n",
        bot="from wrapper import Wrapper\nbroker = Wrapper()\nbroker.create_order()\n",
    )
    assert found(linted(root)) == []


def test_methods_are_found_through_their_class(write: Write) -> None:
    root = write(
        bot=f"""
            class Base:
                def enter(self):
                    self.send()
                    self.note()
            class Silent:
                def enter(self):
                    self.send()
                def send(self):
                    client.create_order()
            class Loud(Base):
                def send(self):
                    client.create_order()
                def note(self):
                    {RECORD}
        """
    )
    assert found(linted(root)) == [("bot.py", 10)]


@pytest.mark.parametrize("handed", ["Thread(target=place)", "retry(place)", "jobs = {'a': place}"])
def test_a_function_that_is_handed_on_is_called_there(write: Write, handed: str) -> None:
    nested = f"def place():\n    return {POST}\n{handed}\n"
    assert found(linted(write(bot=in_function(nested + RECORD)))) == []
    assert found(linted(write(bot=in_function(nested)))) == [("bot.py", 3)]


@pytest.mark.parametrize("entered", [False, True])
def test_functions_that_call_each_other_come_to_an_end(write: Write, *, entered: bool) -> None:
    cycle = f"def one():\n    two()\n    {POST}\ndef two():\n    one()\n"
    root = write(bot=cycle + (f"two()\n{RECORD}\n" if entered else ""))
    assert found(linted(root)) == ([] if entered else [("bot.py", 3)])


# --- ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ('client_order_id="mm_xb_1"', None),
        ('client_order_id=f"mm_dir_{market}"', None),
        ('client_order_id="mm_xb_" + market', None),
        ('client_order_id="mm_xb_%s" % market', None),
        ('client_order_id=f"{PREFIX}{market}"', None),
        ('{"client_order_id": "mm_xb_1"}', None),
        ('CreateOrderRequest(ticker=market, client_order_id="mm_xb_1")', None),
        ("body", None),
        ('client_order_id="zz_1"', "unknown prefix"),
        ('client_order_id=f"mm_x_{market}"', "unknown prefix"),
        ('client_order_id="mm_"', "unknown prefix"),
        ('{"client_order_id": "zz_1"}', "unknown prefix"),
        ('json={"client_order_id": f"zz_{market}"}', "unknown prefix"),
        ('Order(client_order_id="zz_1")', None),
        ("client_order_id=str(uuid4())", None),
        ('client_order_id=f"mm_{market}"', None),
        ('client_order_id=f"{market}zz_"', None),
        ("ticker='A', count=1", None),
        ("**market", None),
    ],
)
def test_an_id_is_held_against_the_rules(write: Write, arguments: str, rule: str | None) -> None:
    body = f"body = {{}}\nbody['client_order_id'] = 'mm_xb_1'\nx.create_order({arguments})\n"
    root = write(bot='PREFIX = "mm_xb_"\n' + in_function(body + RECORD))
    told = [one["rule"] for one in linted(root).data["findings"]]
    assert told == ([rule] if rule else [])
    assert linted(root, rules=None).exit_code == GOOD


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"def broken(:\n",
        b'print "python 2"\n',
        b'name = "\xff"\n',
        b"x = 1\0\n",
        b"x = " + b"-" * 5000 + b"1\n",
        b"x = " + b"+".join([b"1"] * 3000) + b"\n",
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding(write: Write, content: bytes) -> None:
    root = write(bot=in_function(f"posted = {POST}\n{RECORD}"))
    (root / "other.py").write_bytes(content)
    done = linted(root)
    assert [one["file"] for one in done.data["findings"] if one["rule"] == "unreadable"] == [
        "other.py"
    ]
    assert (done.exit_code, "1 file unreadable" in done.verdict) == (FOUND, True)


def test_what_is_no_file_or_too_large_is_a_finding(write: Write) -> None:
    root = write(bot=in_function(f"posted = {POST}\n{RECORD}"))
    os.mkfifo(root / "pipe.py")
    (root / "gone.py").symlink_to("nowhere.py")
    (root / "large.py").write_bytes(b"#" * 5_000_001)
    unreadable = [one["file"] for one in linted(root).data["findings"]]
    assert unreadable == ["gone.py", "large.py", "pipe.py"]


def test_a_long_chain_of_elif_is_read(write: Write) -> None:
    chain = "if live == 0:\n    pass\n" + "".join(
        f"elif live == {number}:\n    pass\n" for number in range(1, 200)
    )
    root = write(bot=in_function(f"{chain}else:\n    posted = {POST}\n    {RECORD}"))
    assert linted(root).exit_code == GOOD


def test_a_name_that_is_made_of_itself_comes_to_an_end(write: Write) -> None:
    lines = "\n".join(f"path = path + other\nother = other + path + '{one}'" for one in range(60))
    root = write(bot=in_function(f"{lines}\nrequests.post(path)\nposted = {POST}\n{RECORD}"))
    assert linted(root).exit_code == GOOD


def test_what_is_not_the_bots_is_left_out_and_counted(write: Write) -> None:
    bad = in_function("client.create_order()")
    root = write(
        bot=in_function(f"posted = {POST}\n{RECORD}"),
        node_modules__a=bad,
        env__lib__a=bad,
        tests__test_a=bad,
    )
    (root / "__pycache__").mkdir()
    (root / "__pycache__" / "a.py").write_text(bad)
    (root / "env" / "pyvenv.cfg").touch()
    assert found(linted(root)) == [("tests/test_a.py", 2)]
    done = findings.lint(root, rules=RULES, exclude=["tests"])
    assert (done.exit_code, len(done.data["skipped"])) == (GOOD, 4)
    assert "4 paths left out" in str(done.body[-1])


def test_links_are_read_once_and_those_out_of_the_tree_are_noted(
    write: Write, tmp_path: Path
) -> None:
    root = write(bot=in_function(f"posted = {POST}\n{RECORD}"))
    (root / "loop").symlink_to(root)
    (root / "out").symlink_to(tmp_path)
    done = linted(root)
    assert (done.data["files"], noted(done, "not checked")) == (1, ["out"])


def test_a_script_without_a_suffix_is_read(write: Write) -> None:
    root = write(bot=in_function(f"posted = {POST}\n{RECORD}"))
    (root / "flatten").write_text("#!/usr/bin/env python3\nclient.create_order()\n")
    assert found(linted(root)) == [("flatten", 2)]


def test_an_address_that_no_call_is_seen_to_use_is_noted(write: Write) -> None:
    root = write(
        bot=in_function(f"posted = {POST}\n{RECORD}"),
        odd='import odd\nodd.go(odd.where("/portfolio/orders"))\n',
        asks='import requests\nrequests.get("/portfolio/orders")\n',
    )
    done = linted(root)
    assert noted(done, "not understood") == ["odd.py"]
    assert done.verdict == "1 call site posts orders, all recorded; 1 note (--json)"
    assert not any("odd.py" in str(part) for part in done.body)


# --- the verb ------------------------------------------------------------------------------------


def lint_bot(book: Path | None, root: Path, *more: str) -> Ran:
    return run(book or Path("book"), "lint-bot", root, *more)


def test_the_verb_reads_the_rules_of_a_book(write: Write, tmp_path: Path) -> None:
    root = write(bot=in_function(f"posted = {POST}\n{RECORD}"))
    book = tmp_path / "ledger"
    book.mkdir()
    (book / "attribution.toml").write_text('[strategies.other]\nprefixes = ["other_"]\n')
    done = lint_bot(book, root)
    assert (done.code, "unknown prefix" in done.out) == (FOUND, True)
    assert done.verdict == "1 call site posts orders, all recorded; 1 unknown prefix"
    assert max(map(len, done.out.splitlines())) <= 100
    assert lint_bot(tmp_path / "none", root).code == USAGE


def test_the_verb_prints_one_object(write: Write, tmp_path: Path) -> None:
    root = write(bot=in_function("client.create_order()"))
    done = lint_bot(None, root, "--json")
    assert done.code == done.json["exit_code"] == FOUND
    assert done.json["posts"] == [
        {
            "file": "bot.py",
            "line": 2,
            "function": "trade",
            "call": "client.create_order",
            "recorded": False,
        }
    ]


def test_options_of_the_verb_reach_it(write: Write) -> None:
    root = write(bot=in_function("broker.fire(market)\njot(market)\nx.create_order(market)"))
    options = ["--post", "fire", "--record", "jot", "--not-post", "create_order"]
    assert lint_bot(None, root, *options).code == GOOD
    assert lint_bot(None, root, *options, "--exclude", "*.py").code == FOUND


def test_a_path_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    done = lint_bot(None, tmp_path / "none")
    assert (done.code, "no such file" in done.err) == (USAGE, True)


def test_nothing_of_the_bot_is_run(write: Write, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    root = write(bot=f"open({str(mark)!r}, 'w')\nclient.create_order()\n")
    assert lint_bot(None, root).code == FOUND
    assert not mark.exists()
