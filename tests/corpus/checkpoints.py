"""Hostile weight files, made on the spot: what each is, and how it must end.

Every file is written by code, so that no binary lies in the repository. `guard.py` opens them in
a process of its own, where any attempt to run something is caught.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import save as to_safetensors

from superfine.models import find
from tests.corpus.weight_files import (
    BILLION,
    Claim,
    Shell,
    changed_byte,
    deep_key,
    described,
    encrypted,
    entry,
    flat,
    header,
    header_of_99_mb,
    lying_legacy,
    nan_state,
    network,
    npy,
    npz,
    own_file,
    parametrised,
    raw_pickle,
    shifted,
    state,
    torch_file,
    unusual,
    wide,
    with_card,
    without,
    zip_file,
)

UNSAFE, BROKEN, FINE = "UnsafeModelError", "ModelFileError", "loads"


@dataclass(frozen=True)
class Case:
    """A file, the class of error it must end with, and a word the message must hold."""

    name: str
    outcome: str
    word: str
    make: Callable[[], bytes]


TORCH = (
    Case("bare pickle of a command", UNSAFE, "system", lambda: pickle.dumps(Shell(), 2)),
    Case("same, protocol 4", UNSAFE, "system", lambda: pickle.dumps(Shell(), 4)),
    Case("command in a zip", UNSAFE, "system", lambda: torch_file({"state_dict": Shell()})),
    Case("command in a legacy file", UNSAFE, "system", lambda: torch_file(Shell(), legacy=True)),
    Case(
        "command by INST", UNSAFE, "posix.system", lambda: raw_pickle(b"(S'id'\niposix\nsystem\n.")
    ),
    Case("extension code", UNSAFE, "EXT1", lambda: raw_pickle(b"\x82\x01.")),
    Case("whole module", UNSAFE, "superfine.models.fsrcnn.FSRCNN", lambda: torch_file(network())),
    Case("whole module, legacy", UNSAFE, "FSRCNN", lambda: torch_file(network(), legacy=True)),
    Case("zip in a zip", BROKEN, "neither", lambda: zip_file(("inner.pth", torch_file(state())))),
    Case(
        "two pickles",
        BROKEN,
        "neither",
        lambda: zip_file(("a/data.pkl", b"N."), ("b/data.pkl", b"N.")),
    ),
    Case(
        "duplicate names",
        UNSAFE,
        "two",
        lambda: zip_file(("a/data.pkl", b"N."), ("a/data.pkl", b".")),
    ),
    Case("encrypted flag", UNSAFE, "encrypted", encrypted),
    Case(
        "path out of the archive", UNSAFE, "outside", lambda: zip_file(("a/../../data.pkl", b"N."))
    ),
    Case("absolute path", UNSAFE, "outside", lambda: zip_file(("/etc/data.pkl", b"N."))),
    Case(
        "compressed pickle",
        UNSAFE,
        "compressed",
        lambda: zip_file(("a/data.pkl", bytes(50_000_000)), method=zipfile.ZIP_DEFLATED),
    ),
    Case("truncated zip", BROKEN, "damaged", lambda: torch_file(state())[:-900]),
    Case("truncated legacy", BROKEN, "damaged", lambda: torch_file(state(), legacy=True)[:-900]),
    Case("truncated pickle", BROKEN, "damaged", lambda: torch_file(state(), legacy=True)[:700]),
    Case(
        "expanded",
        BROKEN,
        "claims",
        lambda: torch_file({"a.weight": torch.ones(1).expand(BILLION)}),
    ),
    Case("lying view", BROKEN, "claims", lambda: described({"a": Claim(4, (BILLION,), (1,))})),
    Case("lying stride", BROKEN, "claims", lambda: described({"a": Claim(4, (2,), (BILLION,))})),
    Case(
        "lying storage",
        BROKEN,
        "claims",
        lambda: described({"a": Claim(BILLION, (BILLION,), (1,))}),
    ),
    Case("lying legacy storage", BROKEN, "damaged", lying_legacy),
    Case(
        "huge numbers",
        BROKEN,
        "damaged",
        lambda: described({"a": Claim(4, (10**4000,) * 9, (1,) * 9)}),
    ),
    Case("huge memo", BROKEN, "no dict", lambda: raw_pickle(b"Nr\xff\xff\xff\x7f.")),
    Case("lying text length", BROKEN, "damaged", lambda: raw_pickle(b"X\xff\xff\xff\x7fa.")),
    Case("deep key", BROKEN, "key", deep_key),
    Case("endless pickle", BROKEN, "instructions", lambda: raw_pickle(b"}" * 8_000_000 + b".")),
    Case("endless memo", BROKEN, "instructions", lambda: raw_pickle(b"N" + b"\x94" * 8_000_000)),
    Case("cycle", BROKEN, "no dict", lambda: raw_pickle(b"}q\x00X\x05\x00\x00\x00modelh\x00s.")),
    Case(
        "sparse",
        BROKEN,
        "unusual",
        lambda: unusual(lambda: torch.sparse_csr_tensor([0, 1, 2], [0, 1], [1.0, 2.0], (2, 2))),
    ),
    Case(
        "sparse, lying indices",
        BROKEN,
        "unusual",
        lambda: unusual(
            lambda: torch.sparse_csr_tensor(
                [0, 9, 2], [0, BILLION], [1.0, 2.0], (2, 2), check_invariants=False
            )
        ),
    ),
    Case(
        "quantised",
        BROKEN,
        "unusual",
        lambda: unusual(lambda: torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.qint8)),
    ),
    Case(
        "complex",
        BROKEN,
        "unusual",
        lambda: torch_file({"a": torch.ones(4, dtype=torch.complex64)}),
    ),
    Case("meta", BROKEN, "unusual", lambda: torch_file({"a": torch.ones(4, device="meta")})),
    Case(
        "whole numbers",
        BROKEN,
        "int64",
        lambda: torch_file({"a": torch.ones(4, dtype=torch.int64)}),
    ),
    Case("no tensor", BROKEN, "no named", lambda: torch_file({"epoch": 3})),
    Case("NaN", BROKEN, "shrink.0.bias", lambda: torch_file(nan_state())),
    Case("weight norm", FINE, "", lambda: torch_file(parametrised())),
    Case("weight norm of no length", BROKEN, "shrink.0.weight", lambda: torch_file(flat())),
    Case(
        "weight norm of another length",
        BROKEN,
        "weight_g",
        lambda: torch_file(parametrised() | {"shrink.0.weight_g": torch.ones(5)}),
    ),
    Case("wide convolution of other parts", BROKEN, "conv.1.weight", lambda: torch_file(wide())),
    Case("mean colour of NaN", BROKEN, "mean colour", lambda: torch_file(shifted())),
    Case("long name", BROKEN, "5,001 characters", lambda: torch_file({"9" * 5001: torch.ones(3)})),
    Case(
        "missing key",
        BROKEN,
        "enlarge.bias is missing",
        lambda: torch_file(without("enlarge.bias")),
    ),
    Case("network of 18 MB", FINE, "", lambda: torch_file(find("rrdbnet-6").build(4).state_dict())),
    Case(
        "TorchScript",
        UNSAFE,
        "TorchScript",
        lambda: zip_file(("a/constants.pkl", b"N."), ("a/code/b.py", b"")),
    ),
    Case("exported program", UNSAFE, "pt2", lambda: zip_file(("a/archive_format", b"pt2"))),
)

SAFETENSORS = (
    Case("ours", FINE, "", own_file),
    Case("ours, truncated", BROKEN, "damaged", lambda: own_file()[:-4]),
    Case("ours, longer", BROKEN, "damaged", lambda: own_file() + bytes(4)),
    Case("ours, one bit changed", BROKEN, "sha256", lambda: changed_byte(own_file())),
    Case("ours, wrong hash", BROKEN, "sha256", lambda: with_card(state(), sha256="0" * 64)),
    Case(
        "extra key", BROKEN, "more is unknown", lambda: with_card(state() | {"more": torch.ones(3)})
    ),
    Case(
        "missing own key",
        BROKEN,
        "enlarge.bias is missing",
        lambda: with_card(without("enlarge.bias")),
    ),
    Case(
        "wrong shape",
        BROKEN,
        "enlarge.bias is 2 instead of 1",
        lambda: with_card(state() | {"enlarge.bias": torch.zeros(2)}),
    ),
    Case("float64", BROKEN, "F64", lambda: with_card({k: t.double() for k, t in state().items()})),
    Case(
        "other network",
        BROKEN,
        "fsrcnn-small",
        lambda: with_card(
            state(),
            architecture="fsrcnn-small",
            hyper_parameters={"width": 32, "shrunk": 5, "depth": 1},
        ),
    ),
    Case("unknown network", BROKEN, "does not know", lambda: with_card({}, architecture="../../x")),
    Case("impossible scale", BROKEN, "does not know", lambda: with_card({}, scale=BILLION)),
    Case("other hyper-parameters", BROKEN, "another", lambda: with_card({}, hyper_parameters={})),
    Case("card of other types", BROKEN, "scores", lambda: with_card({}, scores=["<b>"])),
    Case("terms of other types", BROKEN, "terms", lambda: with_card({}, terms={"T91": 1})),
    Case("history of other types", BROKEN, "history", lambda: with_card({}, history=[[1.5, 30]])),
    Case("limits of other types", BROKEN, "limits", lambda: with_card({}, limits=["none"])),
    Case("names of other types", BROKEN, "apart_from", lambda: with_card({}, apart_from=[5])),
    Case("card of later layout", BROKEN, "newer", lambda: with_card({}, format=2)),
    Case("HTML in the card", BROKEN, "sha256", lambda: with_card(state(), training="<script>")),
    Case(
        "overlap",
        BROKEN,
        "damaged",
        lambda: header({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, bytes(12)),
    ),
    Case(
        "hole",
        BROKEN,
        "damaged",
        lambda: header({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, bytes(12)),
    ),
    Case("lying shape", BROKEN, "damaged", lambda: header({"a": entry([BILLION], 0, 4)}, bytes(4))),
    Case(
        "lying offsets",
        BROKEN,
        "damaged",
        lambda: header({"a": entry([BILLION], 0, 4 * BILLION)}, bytes(4)),
    ),
    Case("header of 2^63 bytes", BROKEN, "header", lambda: struct.pack("<Q", 2**63) + b"{}"),
    Case("header of 99 MB", BROKEN, "header", header_of_99_mb),
    Case("deep header", BROKEN, "damaged", lambda: struct.pack("<Q", 200_000) + b'{"a":' * 40_000),
    Case("NaN, foreign", BROKEN, "shrink.0.bias", lambda: to_safetensors(nan_state())),
    Case("control characters", BROKEN, "?[2J", lambda: to_safetensors({"\x1b[2J": torch.ones(3)})),
)

OTHER = (
    Case("pickled array", UNSAFE, "pickled", lambda: npz(a=np.array([{}, Shell()]))),
    Case("npz of whole numbers", BROKEN, "int64", lambda: npz(a=np.ones(4, np.int64))),
    Case("npz of complex numbers", BROKEN, "complex", lambda: npz(a=np.ones(4, np.complex64))),
    Case("npz, lying shape", BROKEN, "size", lambda: zip_file(("a.npy", npy(f"({BILLION},)")))),
    Case(
        "npz, negative shape",
        BROKEN,
        "size",
        lambda: zip_file(("a.npy", npy("(-1, -1)", body=bytes(4)))),
    ),
    Case(
        "npz, code for a header",
        BROKEN,
        "not a NumPy",
        lambda: zip_file(("a.npy", npy("__import__('os')"))),
    ),
    Case(
        "npz, duplicate",
        UNSAFE,
        "two",
        lambda: zip_file(("a.npy", npy("(0,)")), ("a.npy", npy("(0,)"))),
    ),
    Case(
        "npz bomb",
        BROKEN,
        "fit no network",
        lambda: zip_file(
            ("a.npy", npy("(12500000,)", body=bytes(50_000_000))), method=zipfile.ZIP_DEFLATED
        ),
    ),
    Case("npz, truncated", BROKEN, "damaged", lambda: npz(a=np.ones(4))[:-30]),
    Case("empty", BROKEN, "not a weight file", lambda: b""),
    Case("empty zip", BROKEN, "not a weight file", zip_file),
    Case("text", BROKEN, "not a weight file", lambda: b"<html>404 Not Found</html>"),
)

CASES = (*TORCH, *SAFETENSORS, *OTHER)
