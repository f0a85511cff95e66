"""The connection to the team's database: numbers for all, and every trouble told in one sentence within seconds."""

from __future__ import annotations

import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from bson import ObjectId
from services.folders import make_experiment
from services.server import PASSWORD, USER, Mongod, free_port

from expfw.database.address import Address
from expfw.database.documents import read_state
from expfw.database.store import Known, Store
from expfw.errors import DatabaseError

pytestmark = pytest.mark.services

TIMEOUT = 0.5
OWNER = {"uuid": "u", "host": "here", "place": "p"}


def runs(store: Store) -> Any:
    return store._database.runs


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def test_numbers_begin_with_the_one_wanted_and_go_on_after_the_highest(store: Store) -> None:
    assert store.reserve(5, {"uuid": "a"}) == 5
    assert store.reserve(1, {"uuid": "b"}) == 6
    assert store.reserve(9, {"uuid": "c"}) == 9


def test_whatever_others_use_for_ids_the_next_number_is_free(store: Store) -> None:
    others = ["z", 3.5, ObjectId(), 2**60, -4, datetime(2026, 1, 1, tzinfo=UTC), {"a": 1}]
    runs(store).insert_many([{"_id": other} for other in others])
    assert store.reserve(1, {"uuid": "a"}) == 4


def test_a_hundred_at_once_from_two_checkouts_get_distinct_numbers(database_url: str) -> None:
    def take(number: int) -> int:
        with Store(Address.parse(database_url), timeout=30) as store:
            return store.reserve(1, {"uuid": f"{number}", "place": str(number % 2)})

    with ThreadPoolExecutor(25) as executor:
        assert sorted(executor.map(take, range(100))) == list(range(1, 101))


def test_a_reservation_outlives_a_server_that_is_killed(mongod: Mongod) -> None:
    with Store(Address.parse(mongod.uri)) as store:
        assert store.reserve(1, {"uuid": "a"}) == 1
    mongod.kill()
    mongod.start()
    with Store(Address.parse(mongod.uri)) as store:
        assert store.reserve(1, {"uuid": "b"}) == 2


def test_a_placeholder_has_what_a_viewer_needs_and_says_who_it_is(store: Store) -> None:
    entry = runs(store).find_one({"_id": store.reserve(1, OWNER)})
    assert entry["status"] == "QUEUED"
    assert (entry["artifacts"], entry["info"], entry["captured_out"], entry["experiment"]["sources"]) == (
        [],
        {},
        "",
        [],
    )
    assert entry["expfw"].items() >= {**OWNER, "reserved": True}.items()


def test_a_number_is_given_back_by_its_owner_alone_and_only_while_nothing_is_in_it(
    store: Store, tmp_path: Path
) -> None:
    state = read_state(make_experiment(tmp_path))
    first, second = store.reserve(1, OWNER), store.reserve(1, {"uuid": state.uuid})
    store.release(first, {"uuid": "somebody else"})
    assert runs(store).count_documents({}) == 2
    store.release(first, OWNER)
    assert [entry["_id"] for entry in runs(store).find()] == [second]
    assert store.save(state, second)
    store.release(second, {"uuid": state.uuid})
    assert runs(store).find_one()["status"] == "COMPLETED"


def test_an_experiment_is_found_again_by_its_identity_whatever_its_number(store: Store) -> None:
    assert store.reserve(4, OWNER) == 4
    assert store.claim("u", 1, "tree") == 4
    assert store.claim("v", 2, "tree") == 2
    assert store.claim("w", 4, "tree") == 5, "beyond all others, where it hardly meets anybody"
    assert store.known() == {"u": Known(4, None), "v": Known(2, None), "w": Known(5, None)}


def test_an_experiment_that_many_bring_at_once_gets_one_number(database_url: str) -> None:
    def claim(uuid: str, start: threading.Barrier) -> int:
        with Store(Address.parse(database_url), timeout=30) as store:
            store.known()
            start.wait()
            return store.claim(uuid, 1, "tree")

    with ThreadPoolExecutor(8) as executor:
        for number in range(1, 6):
            barrier = threading.Barrier(8)
            claims = [executor.submit(claim, str(number), barrier) for _ in range(8)]
            assert {claim.result() for claim in claims} == {number}


def test_nothing_is_written_over_a_document_of_somebody_else(store: Store, tmp_path: Path) -> None:
    theirs: list[dict[str, Any]] = [
        {"_id": 1, "status": "COMPLETED", "config": {"a": 1}},
        {"_id": 2, "expfw": {"uuid": "x"}},
    ]
    runs(store).insert_many(theirs)
    state = read_state(make_experiment(tmp_path))
    assert [store.save(state, number) for number in (1, 2, 3)] == [False, False, False]
    assert list(runs(store).find()) == theirs


def test_the_list_of_what_is_there_is_one_look_at_an_index(store: Store, tmp_path: Path) -> None:
    """It must not read documents, each of which may hold a megabyte of output."""
    store.save(read_state(make_experiment(tmp_path)), store.claim(f"{tmp_path.name}-1", 1, "tree"))
    runs(store).insert_one({"_id": "not ours"})
    assert [known.id for known in store.known().values()] == [1]
    query = {"expfw.uuid": {"$gt": ""}}
    plan = runs(store).find(query, {"_id": 1, "expfw.uuid": 1, "expfw.digest": 1}).explain()["queryPlanner"]
    assert "FETCH" not in str(plan["winningPlan"])
    assert "COLLSCAN" not in str(plan["winningPlan"])


def test_forgotten_are_only_old_placeholders_of_this_place(store: Store) -> None:
    old = datetime.now(UTC) - timedelta(hours=2)
    for number, (place, age) in enumerate([("p", old), ("q", old), ("p", datetime.now(UTC))], start=1):
        store.reserve(number, {"uuid": str(number), "place": place})
        runs(store).update_one({"_id": number}, {"$set": {"expfw.reserved_at": age}})
    assert store.forgotten([1, 2, 3, 4], "p", timedelta(hours=1)) == {1: "1"}


USES: dict[str, Callable[[Store, Path], Any]] = {
    "reserve": lambda store, root: store.reserve(1, OWNER),
    "release": lambda store, root: store.release(1, OWNER),
    "claim": lambda store, root: store.claim("c", 1, "tree"),
    "save": lambda store, root: store.save(read_state(make_experiment(root)), 1),
    "known": lambda store, root: store.known(),
    "forgotten": lambda store, root: store.forgotten([1], "p", timedelta(0)),
}
"""Everything that asks the database something."""

everything = pytest.mark.parametrize("use", USES.values(), ids=USES)


def trouble(address: str, use: Callable[[Store, Path], Any], root: Path, store: Store | None = None) -> str:
    """What is said about a trouble with the database."""
    store = store or Store(Address.parse(address), timeout=TIMEOUT)
    with within(TIMEOUT * 3 + 1), pytest.raises(DatabaseError) as caught:
        use(store, root)
    assert caught.value.hopeless
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    store.close()
    return str(caught.value)


@everything
def test_a_server_that_is_away_cannot_be_reached(use: Callable[[Store, Path], Any], tmp_path: Path) -> None:
    port = free_port()
    told = trouble(f"mongodb://{USER}:{PASSWORD}@127.0.0.1:{port}/team", use, tmp_path)
    assert told == f"the database mongodb://127.0.0.1:{port}/team cannot be reached"


@everything
def test_a_server_that_hangs_costs_a_moment(mongod: Mongod, use: Callable[[Store, Path], Any], tmp_path: Path) -> None:
    store = Store(Address.parse(mongod.uri), timeout=TIMEOUT)
    store.known()
    mongod.freeze()
    assert "did not answer in time" in trouble(mongod.uri, use, tmp_path, store)
    assert "cannot be reached" in trouble(mongod.uri, use, tmp_path)
    mongod.thaw()


@everything
def test_a_server_that_dies_is_noticed(mongod: Mongod, use: Callable[[Store, Path], Any], tmp_path: Path) -> None:
    store = Store(Address.parse(mongod.uri), timeout=TIMEOUT)
    store.known()
    mongod.kill()
    assert trouble(mongod.uri, use, tmp_path, store).endswith(("cannot be reached", "did not answer in time"))


def test_something_that_listens_and_says_nothing_is_no_database(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        told = trouble(f"mongodb://127.0.0.1:{mute.getsockname()[1]}", USES["reserve"], tmp_path)
    assert "cannot be reached" in told


def test_a_name_that_nobody_has_cannot_be_reached(tmp_path: Path) -> None:
    assert "cannot be reached" in trouble("mongodb://no.such.host.invalid/team", USES["reserve"], tmp_path)


@everything
@pytest.mark.parametrize(("user", "password"), [(USER, "wr0ng-Pa55"), ("nobody", PASSWORD)])
def test_a_wrong_password_is_refused(
    mongod_with_password: Mongod, use: Callable[[Store, Path], Any], tmp_path: Path, user: str, password: str
) -> None:
    url = mongod_with_password.url(user=user, password=password)
    told = trouble(url, use, tmp_path)
    assert told.endswith("refuses the user or the password")
    assert password not in told


@pytest.mark.parametrize("role", ["read", None])
@pytest.mark.parametrize("use", ["reserve", "claim", "save"])
def test_a_user_who_may_not_write_is_told_so(
    mongod_with_password: Mongod, use: str, tmp_path: Path, role: str | None
) -> None:
    roles = [{"role": role, "db": "experiments"}] if role else []
    with mongod_with_password.client() as client:
        client.admin.command("createUser", "guest", pwd=PASSWORD, roles=roles)
    told = trouble(mongod_with_password.url(user="guest"), USES[use], tmp_path)
    assert told.endswith("does not allow this user what is needed: to read and to write")


def test_a_user_with_rights_to_read_and_write_in_one_database_is_enough(
    mongod_with_password: Mongod, tmp_path: Path
) -> None:
    with mongod_with_password.client() as client:
        roles = [{"role": "readWrite", "db": "experiments"}]
        client.admin.command("createUser", "member", pwd=PASSWORD, roles=roles)
    with Store(Address.parse(mongod_with_password.url(user="member"))) as store:
        assert store.save(read_state(make_experiment(tmp_path)), store.claim(f"{tmp_path.name}-1", 1, "tree"))


@pytest.mark.parametrize("code", [14031, 12501, 8000])
@pytest.mark.parametrize("use", ["reserve", "save"])
def test_a_database_that_is_full_is_said_to_be(faulty_mongod: Mongod, use: str, tmp_path: Path, code: int) -> None:
    store = Store(Address.parse(faulty_mongod.uri), timeout=TIMEOUT)
    store.claim(f"{tmp_path.name}-1", 1, "tree")
    faulty_mongod.fail(code, "insert", "update", "findAndModify")
    assert trouble(faulty_mongod.uri, USES[use], tmp_path, store).endswith("/experiments is full")


def test_an_error_that_nobody_thought_of_is_named_and_does_not_stop_other_experiments(
    faulty_mongod: Mongod, tmp_path: Path
) -> None:
    with Store(Address.parse(faulty_mongod.uri)) as store:
        store.known()
        faulty_mongod.fail(9, "insert")
        with pytest.raises(DatabaseError, match=r"does not take what it is given \(OperationFailure 9\)") as caught:
            store.reserve(1, OWNER)
        assert not caught.value.hopeless


@pytest.mark.parametrize("url", [f"mongodb://a%zz:{PASSWORD}@host/db", "mongodb://host/db?w=x&journal=maybe&w=0"])
def test_an_address_that_only_the_client_can_see_through_is_not_quoted(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        Store(Address.parse(url), timeout=0.2).known()
    told = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in told
    assert "mongodb://host/db" in str(caught.value)


def test_a_closed_store_opens_again(store: Store) -> None:
    assert store.reserve(1, OWNER) == 1
    store.close()
    store.close()
    assert store.reserve(1, {"uuid": "b"}) == 2


def test_an_existing_team_database_of_sacreds_own_keeps_all_it_has(database_url: str, tmp_path: Path) -> None:
    """With runs, metrics and files that Sacred's observer wrote, ours go beside them."""
    with pymongo.MongoClient[dict[str, Any]](database_url) as client:
        database = client.get_default_database()
        database.runs.insert_many([{"_id": 1, "status": "COMPLETED"}, {"_id": 2, "status": "RUNNING"}])
        database.metrics.insert_many([{"run_id": 1, "name": "a"}, {"run_id": 1, "name": "a"}])
        with Store(Address.parse(database_url)) as store:
            assert store.reserve(1, OWNER) == 3
        assert database.runs.count_documents({}) == 3
        assert database.metrics.count_documents({}) == 2
