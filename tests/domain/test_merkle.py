"""The tree against RFC 6962 word for word, against its published vectors, and against trees that are wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.merkle import (
    EMPTY_ROOT,
    TILE_WIDTH,
    Frontier,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    inclusion_proofs,
    leaf_hash,
    node_from_tiles,
    root_of,
    tile_path,
)
from gateway.verifier import said
from gateway.verifier.formats import Proofs, Tree, consistent, root_of_proof
from gateway.verifier.said import document_of, said_in

VECTORS = [bytes.fromhex(each) for each in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The test vectors of the Certificate Transparency project."""

sizes = st.integers(1, 700)


def naive_root(data: Sequence[bytes]) -> bytes:
    """MTH as section 2.1 of RFC 6962 writes it."""
    if not data:
        return hashlib.sha256().digest()
    if len(data) == 1:
        return hashlib.sha256(b"\0" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return hashlib.sha256(b"\1" + naive_root(data[:k]) + naive_root(data[k:])).digest()


def naive_path(m: int, data: Sequence[bytes]) -> list[bytes]:
    """PATH as section 2.1.1 writes it."""
    if len(data) == 1:
        return []
    k = 1
    while k * 2 < len(data):
        k *= 2
    if m < k:
        return [*naive_path(m, data[:k]), naive_root(data[k:])]
    return [*naive_path(m - k, data[k:]), naive_root(data[:k])]


def naive_proof(m: int, data: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF as section 2.1.2 writes it."""
    if m == len(data):
        return [] if whole else [naive_root(data)]
    k = 1
    while k * 2 < len(data):
        k *= 2
    if m <= k:
        return [*naive_proof(m, data[:k], whole=whole), naive_root(data[k:])]
    return [*naive_proof(m - k, data[k:], whole=False), naive_root(data[:k])]


class Stored:
    """A tree kept as tiles, as the database keeps it: leaves, and the roots of full tiles."""

    def __init__(self, data: Sequence[bytes]) -> None:
        self.frontier = Frontier()
        self.levels: dict[int, list[bytes]] = {0: []}
        for each in data:
            for node in self.frontier.append(leaf_hash(each)):
                if node.level % 8 == 0:
                    self.levels.setdefault(node.level // 8, []).append(node.hash)
        self.node = node_from_tiles(self.tile)

    def tile(self, level: int, number: int) -> Sequence[bytes]:
        """Up to 256 hashes."""
        return self.levels[level][number * TILE_WIDTH : (number + 1) * TILE_WIDTH]


def data_of(size: int) -> list[bytes]:
    """Different leaves."""
    return [b"record %d" % number for number in range(size)]


def test_the_published_roots() -> None:
    """Ours, the verifier's own, and the naive one give the vectors of the standard's authors."""
    frontier, tree = Frontier(), Tree()
    assert EMPTY_ROOT == frontier.root() == tree.root() == naive_root([])
    for count, expected in enumerate(ROOTS, 1):
        frontier.append(leaf_hash(VECTORS[count - 1]))
        tree.append(leaf_hash(VECTORS[count - 1]))

        assert expected == frontier.root().hex() == tree.root().hex() == naive_root(VECTORS[:count]).hex()


def test_the_proofs_of_the_standard() -> None:
    """Section 2.1.3 draws a tree of seven leaves: PATH(0), PATH(3), PATH(6), and PROOF(3), PROOF(4), PROOF(6)."""
    data = data_of(7)
    a, b, c, d, e, f, j = (leaf_hash(each) for each in data)
    g, h, i = naive_root(data[0:2]), naive_root(data[2:4]), naive_root(data[4:6])
    k, last = naive_root(data[0:4]), naive_root(data[4:7])
    node = Stored(data).node

    assert (b, h, last) == inclusion_proof(0, 7, node)
    assert (c, g, last) == inclusion_proof(3, 7, node)
    assert (f, j, k) == inclusion_proof(4, 7, node)
    assert (i, k) == inclusion_proof(6, 7, node)
    assert (c, d, g, last) == consistency_proof(3, 7, node)
    assert (last,) == consistency_proof(4, 7, node)
    assert (i, j, k) == consistency_proof(6, 7, node)
    assert len({a, b, c, d, e, f, j}) == 7


@given(sizes, st.data())
def test_roots_and_proofs_are_those_of_the_standard(size: int, choose: st.DataObject) -> None:
    """For every size: roots, inclusion and consistency proofs equal the naive ones, and the verifier accepts them."""
    data = data_of(size)
    node = Stored(data).node
    index, old = choose.draw(st.integers(0, size - 1)), choose.draw(st.integers(1, size))
    inclusion, consistency = inclusion_proof(index, size, node), consistency_proof(old, size, node)

    assert naive_root(data) == root_of(size, node) == frontier_of(size, node).root()
    assert naive_path(index, data) == list(inclusion)
    assert naive_proof(old, data) == list(consistency)
    assert naive_root(data) == root_of_proof(leaf_hash(data[index]), index, size, inclusion)
    assert consistent(old, naive_root(data[:old]), size, naive_root(data), consistency)


@given(st.integers(0, 8))
def test_all_proofs_of_a_tile_at_once_are_the_same(height: int) -> None:
    """As each alone."""
    leaves = [leaf_hash(each) for each in data_of(1 << height)]
    node = Stored(data_of(1 << height)).node

    assert [inclusion_proof(at, len(leaves), node) for at in range(len(leaves))] == inclusion_proofs(leaves)


@given(sizes, st.data())
def test_a_wrong_proof_is_refused(size: int, choose: st.DataObject) -> None:
    """The control: another leaf, another place, one bit, one hash less or more; another old root."""
    data = data_of(size)
    node = Stored(data).node
    index = choose.draw(st.integers(0, size - 1))
    leaf, root = leaf_hash(data[index]), naive_root(data)
    proof = inclusion_proof(index, size, node)
    wrong = [root_of_proof(leaf_hash(b"other"), index, size, proof), root_of_proof(leaf, index, size, (*proof, leaf))]
    if proof:
        flipped = (bytes([proof[0][0] ^ 1, *proof[0][1:]]), *proof[1:])
        wrong += [root_of_proof(leaf, index, size, each) for each in (proof[:-1], flipped)]
        wrong.append(root_of_proof(leaf, (index + 1) % size, size, proof))
    old = choose.draw(st.integers(1, size))

    assert root not in wrong
    assert not consistent(old, leaf_hash(b"other"), size, root, consistency_proof(old, size, node))


@given(st.integers(2, 300), st.data())
def test_proofs_one_after_the_other_are_judged_as_each_alone(size: int, choose: st.DataObject) -> None:
    """Genuine ones in any order, and among them ones with another leaf, place, hash or length."""
    data = data_of(size)
    node, root = Stored(data).node, naive_root(data)
    proofs = Proofs(size, root)
    for index in choose.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=30)):
        leaf, proof = leaf_hash(data[index]), inclusion_proof(index, size, node)
        place, bit = choose.draw(st.integers(0, len(proof) - 1)), choose.draw(st.integers(1, 255))
        flipped = bytes([proof[place][0] ^ bit, *proof[place][1:]])
        other = [(leaf, index, (*proof[:place], flipped, *proof[place + 1 :])), (leaf, index, proof[:place])]
        other += [(leaf, index, (*proof, leaf)), (leaf, (index + 1) % size, proof), (root, index, proof)]
        tried = choose.draw(st.permutations([(leaf, index, proof), *other]))

        assert [each == (leaf, index, proof) for each in tried] == [proofs.lead_to_root(*each) for each in tried]
        assert [root_of_proof(each, at, size, way) == root for each, at, way in tried] == [
            each == (leaf, index, proof) for each in tried
        ]


def test_a_tree_goes_on_from_its_right_edge() -> None:
    """Taken up at any size, it grows to the same root; a copy does not change what it was copied from."""
    data = data_of(600)
    for size in (0, 1, 255, 256, 257, 511, 600):
        edge = frontier_of(size, Stored(data[:size]).node)
        tried = edge.copy()
        for each in data[size:]:
            tried.append(leaf_hash(each))

        assert (size, naive_root(data[:size])) == (edge.size, edge.root())
        assert naive_root(data) == tried.root()


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3)])
def test_what_is_not_in_the_tree_has_no_proof(index: int, size: int) -> None:
    """Told, not guessed."""
    node = Stored(data_of(3)).node
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(index, size, node)
    with pytest.raises(ValueError, match="grows from one leaf"):
        consistency_proof(0, 3, node)


def test_tiles_lie_where_other_tools_look_for_them() -> None:
    """The example of the tlog-tiles specification, a small number, and partial tiles."""
    assert "tile/0/x001/x234/067" == tile_path(0, 1234067)
    assert "tile/1/000" == tile_path(1, 0)
    assert "tile/0/005.p/17" == tile_path(0, 5, 17)
    assert "tile/entries/x001/000" == tile_path("entries", 1000)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
json_values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=3), scalars, max_size=3)


@given(st.dictionaries(st.text(max_size=3), json_values, max_size=4).map(json.dumps), st.data())
def test_documents_are_read_as_the_standard_library_reads_them(text: str, choose: st.DataObject) -> None:
    """Also what is cut, doubled or has a byte of another kind in it: the quick reader never reads something else."""
    body = bytearray(text.encode())
    place = choose.draw(st.integers(0, len(body) - 1))
    change = choose.draw(
        st.sampled_from([b"", b"\0", b"\xff", b"\\ud800", b'"', b",", b"1e999", b"{}", b"NaN", b'"a":1,'])
    )
    body[place : place + choose.draw(st.integers(0, 1))] = change

    for each in (text.encode(), bytes(body)):
        try:
            expected = json.loads(each)
        except ValueError:
            expected = None
        assert repr(document_of(each)) == repr(expected if isinstance(expected, dict) else None)


records = st.fixed_dictionaries(
    {"w": st.text(max_size=3), "s": scalars, "k": st.just("intent")},
    optional={"do": json_values, "pol": st.dictionaries(st.sampled_from(["dig", "reason"]), scalars), "id": json_values,
              "find": st.lists(json_values, max_size=2), "t": st.integers()},
)  # fmt: skip


@given(records.map(json.dumps), st.data())
def test_a_record_says_the_same_to_both_readers(text: str, choose: st.DataObject) -> None:
    """A copy of the verifier that has the standard library alone judges as this one does."""
    body = bytearray(text.encode())
    place = choose.draw(st.integers(0, len(body) - 1))
    body[place : place + choose.draw(st.integers(0, 1))] = choose.draw(
        st.sampled_from([b"", b"\0", b"\xff", b'"', b",", b"-", b"01", b"{}", b"NaN", b'"s":1,'])
    )
    quickly = said._quickly

    for each in (text.encode(), bytes(body)):
        said._quickly = None
        slowly = said_in(each)
        said._quickly = quickly
        quick = said_in(each)
        names = said.Said.__slots__
        assert (slowly is None) == (quick is None)
        assert all(_plain(getattr(slowly, name)) == _plain(getattr(quick, name)) for name in names if slowly)


def _plain(value: object) -> str:
    """What a value says, whichever class it has; floats that are no numbers too."""
    members = [name for name in ("route", "destination", "dig", "reason") if hasattr(value, name)]
    return repr([getattr(value, name) for name in members] or value)
