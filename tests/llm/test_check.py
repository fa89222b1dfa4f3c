"""What is found wrong with a program before it is run, and above all what is not."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from treewright.coders.llm.check import check
from treewright.coders.llm.names import Known

WRITES = "\nopen('./working/submission.csv', 'w')\n"
IMPORT = "from sklearn.preprocessing import OneHotEncoder"
ENCODER = ("categories", "drop", "sparse_output", "handle_unknown")
LIBRARY = {
    "sklearn": Known(exists=True),
    "sklearn.preprocessing": Known(exists=True),
    "sklearn.preprocessing.OneHotEncoder": Known(exists=True, parameters=ENCODER, positional=0),
    "sklearn.preprocessing.SimpleImputer": Known(
        exists=False, missing="sklearn.preprocessing.SimpleImputer", homes=("sklearn.impute",)
    ),
    "sklearn.preprocessing.OneHotEncodr": Known(
        exists=False, missing="sklearn.preprocessing.OneHotEncodr", near=("OneHotEncoder", "OrdinalEncoder")
    ),
    "sklearn.preprocesing": Known(exists=False, missing="sklearn.preprocesing", near=("preprocessing",)),
    "sklearn.preprocesing.OneHotEncoder": Known(exists=False, missing="sklearn.preprocesing", near=("preprocessing",)),
    "sklearn.metrics.mean_squared_error": Known(exists=True, parameters=("y_true", "y_pred")),
    "numpy": Known(exists=True),
    "numpy.float": Known(exists=False, missing="numpy.float", remark="It was an alias.", near=("float64",)),
    "numpy.full": Known(exists=True, parameters=("shape", "fill_value"), positional=2),
    "pandas": Known(exists=True),
    "torch": Known(exists=False, missing="torch"),
    "torch.nn": Known(exists=False, missing="torch"),
    "torch.nn.Linear": Known(exists=False, missing="torch"),
    "torch.optim.Adam": Known(exists=False, missing="torch"),
    "lightgmb": Known(exists=False, missing="lightgmb", near=("lightgbm",)),
    "matplotlib.pyplot": Known(exists=False, missing="matplotlib"),
    "*.train_test_split": Known(exists=True, homes=("sklearn.model_selection",)),
    "*.Ridge": Known(exists=True, homes=("sklearn.linear_model",)),
    "*.shape": Known(exists=True, homes=("misleading",)),
}


class Library:
    """Knows of a few names, as the scripts' interpreter would."""

    def look_up(self, wanted, _cancel=None):
        return {name: LIBRARY[name] for name in wanted if name in LIBRARY}


def findings(code, names=Library()):  # noqa: B008
    return list(check(code + WRITES, names))


# What is wrong


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("def f(:\n    pass", "line 1: not valid Python: invalid syntax: `def f(:`"),
        ("x = 1\n  y = 2", "line 2: not valid Python: unexpected indent: `y = 2`"),
        ("x = 1\nreturn x", "line 2: not valid Python: 'return' outside function: `return x`"),
        ("x = 1\nprint(x", "line 2: not valid Python: '(' was never closed: `print(x`"),
        ("x = '\x00'", "null byte"),
        ("x = '\ud800'", "surrogates"),
        ("-" * 10**6 + "1", "not valid Python: it is nested too deeply"),
    ],
)
def test_a_program_that_cannot_be_parsed_is_said_to_be_so_and_where(code, finding):
    (found,) = findings(code)
    assert finding in found


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = np.ones(3)\ny = np.ones(3)", "line 1: undefined name 'np': add `import numpy as np`"),
        ("os.remove('a')", "line 1: undefined name 'os': add `import os`"),
        ("plt.show()", "line 1: undefined name 'plt': the module 'matplotlib' is not installed, do without it"),
        (
            "\na, b = train_test_split([])",
            "line 2: undefined name 'train_test_split': add `from sklearn.model_selection import train_test_split`",
        ),
        ("models = [Ridge]", "line 1: undefined name 'Ridge': add `from sklearn.linear_model import Ridge`"),
        ("X_train = 1\nprint(X_trian)", "line 2: undefined name 'X_trian'; did you mean 'X_train'?"),
        ("print(shape)", "line 1: undefined name 'shape'"),
        ("display(1)", "line 1: undefined name 'display': it exists in notebooks only"),
        ("def f():\n    x = 1\ndef g():\n    return x", "line 4: undefined name 'x'"),
        ("x: Dict[str, int] = {}", "line 1: undefined name 'Dict'"),
    ],
)
def test_an_undefined_name_is_told_once_with_where_it_comes_from(code, expected):
    assert findings(code) == [expected]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "import torch\nimport torch.nn as nn\nnn.Linear(1)",
            "line 1: the module 'torch' is not installed: do without it",
        ),
        ("import lightgmb", "line 1: the module 'lightgmb' is not installed; did you mean 'lightgbm'?"),
        (
            "from sklearn.preprocessing import SimpleImputer",
            "line 1: sklearn.preprocessing has no 'SimpleImputer': `from sklearn.impute import SimpleImputer`",
        ),
        (
            "from sklearn.preprocessing import (\n    OneHotEncodr,\n)\nOneHotEncodr()",
            "line 1: sklearn.preprocessing has no 'OneHotEncodr'; did you mean 'OneHotEncoder' or 'OrdinalEncoder'?",
        ),
        (
            "from sklearn.preprocesing import OneHotEncoder",
            "line 1: sklearn has no 'preprocesing'; did you mean 'preprocessing'?",
        ),
        ("import numpy as np\nx = [1]\ny = [np.float(v) for v in x]", "line 3: numpy has no 'float': It was an alias."),
        ("def f():\n    import numpy\n    return numpy.float", "line 3: numpy has no 'float': It was an alias."),
        ("from .utils import load", "line 1: an import from beside the program, but the program is one file"),
    ],
)
def test_what_the_libraries_lack_is_told_once_with_the_mend(code, expected):
    assert findings(code) == [expected]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "from sklearn.preprocessing import OneHotEncoder\nOneHotEncoder(sparse=False)",
            "line 2: OneHotEncoder has no argument 'sparse'; did you mean 'sparse_output'?",
        ),
        (
            "import sklearn.preprocessing as sp\nsp.OneHotEncoder(**{}, zzz=1)",
            "line 2: OneHotEncoder has no argument 'zzz'; it takes categories, drop, sparse_output, handle_unknown",
        ),
        (
            "from sklearn.metrics import mean_squared_error as mse; mse(1, 2, squared=False)",
            "line 1: mean_squared_error has no argument 'squared': call root_mean_squared_error instead",
        ),
        (
            "import numpy as np\nnp.full(1, 2, 3)",
            "line 2: full takes at most 2 arguments without their names, not 3; it takes shape, fill_value",
        ),
        (
            "from sklearn.preprocessing import OneHotEncoder\nOneHotEncoder('auto')",
            f"line 2: OneHotEncoder takes no arguments without their names, not 1; it takes {', '.join(ENCODER)}",
        ),
    ],
)
def test_arguments_that_a_function_does_not_take_are_told(code, expected):
    assert findings(code) == [expected]


def test_a_program_that_writes_no_submission_is_told_so():
    missing = ("the program never writes ./working/submission.csv",)
    assert check("x = 1\n", None) == missing
    assert check("import pandas as pd\npd.read_csv('./input/sample_submission.csv')\n", None) == missing
    assert check("", None) == missing
    assert check("import pandas as pd\npd.DataFrame().to_csv('working/submission.csv')\n", None) == ()


def test_all_findings_come_in_the_order_of_their_lines():
    code = "import torch\nx = np.ones(1)\nfrom sklearn.preprocessing import OneHotEncoder\nOneHotEncoder(sparse=plt)"
    assert [finding[:7] for finding in findings(code)] == ["line 1:", "line 2:", "line 4:", "line 4:"]


# What is not


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    import torch\nexcept ImportError:\n    torch = None",
        "try:\n    import torch\n    HAS = True\nexcept ImportError:\n    HAS = False\nif HAS:\n    torch.optim.Adam()",
        "try:\n    from torch import nn\nexcept (ImportError, OSError):\n    HAS = False\nelse:\n    nn.Linear()",
        "from contextlib import suppress\nwith suppress(ImportError):\n    import torch",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
        "import sys\nsys.path.append('./input')\nimport torch",
        "import numpy as np\nnp.float = float\nx = np.float(1)",
        "import numpy as np\nsetattr(np, 'float', float)\nx = np.float(1)",
        "import numpy as np\nif not hasattr(np, 'float'):\n    pass\nx = np.float",
        "import numpy as np\nx = np.float if np.__version__ < '1.24' else float",
        "import numpy as np\nfor np in []:\n    np.float",
        "import numpy as np\ndef f(np):\n    return np.float",
        "import numpy as np\nf = lambda np: np.float\nx = [np.float for np in []]",
        "import numpy as np\nimport pandas as np\nnp.float",
        "import numpy\nfrom pandas import *\nnumpy.float",
        "import numpy as np\nmatch 1:\n    case np:\n        np.float",
        "import numpy as np\ntry:\n    1 / 0\nexcept ValueError as np:\n    np.float",
        "import numpy as np\ndef f(x: np.float) -> np.float:\n    y: np.float = x\n    return y",
        "import numpy as np\nnp.unknown.thing(whatever=1)\nnp.ones(1).float",
        f"{IMPORT}\ntry:\n    e = OneHotEncoder(sparse_output=0)\nexcept TypeError:\n    e = OneHotEncoder(sparse=0)",
        f"{IMPORT}\nOneHotEncoder(**{{'sparse': 1}})\nOneHotEncoder(*[])",
        f"{IMPORT}\nclass OneHotEncoder(OneHotEncoder):\n    pass\nOneHotEncoder(sparse=1)",
        "import numpy as np\nimport os, json  # unused\nunused = 1",
        "from math import *\nx = sqrt(2)",
        "from __future__ import annotations\ndef f(x: Unknown) -> Unknown:\n    return x\ny: Unknown = 1",
        "def f():\n    x: Unknown = 1\n    return x",
        "def f(x: 'Unknown'):\n    return x",
        "__all__ = ['nothing']",
        "for name in 'ab':\n    globals()[name] = 1\nprint(a)",
        "exec('a = 1')\nprint(a)",
        "def f(x):\n    try:\n        y = x\n    except ValueError:\n        del x\n        raise\n    return x, y",
        "try:\n    unicode\nexcept NameError:\n    unicode = str",
        "def f():\n    return later()\ndef later():\n    global x\n    x = 1\nf()\nprint(x, __name__, __file__)",
        "if __name__ == '__main__':\n    print([y for x in [[1]] for y in x])",
        "with open('a') as f:\n    while (line := f.readline()):\n        print(f'{line!r:>{10}}')",
    ],
)
def test_what_may_be_right_is_not_told(code):
    assert findings(code) == []


def test_without_an_interpreter_to_ask_nothing_is_said_about_libraries():
    code = "import torch\nfrom sklearn.preprocessing import OneHotEncoder\nOneHotEncoder(sparse=np)"
    assert findings(code, None) == ["line 3: undefined name 'np': add `import numpy as np`"]


def test_a_doubtful_escape_is_no_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert findings("import re\nx = re.compile('\\d') is 1") == []


def test_a_name_that_cannot_be_looked_up_is_never_asked_for():
    asked = set()

    class Asked(Library):
        def look_up(self, wanted, _cancel=None):
            asked.update(wanted)
            return super().look_up(wanted)

    findings("import numpy as np, json\nx.y\nnp.random.rand(3).mean()\nnp[0].a\nTARGET\nfrom . import z", Asked())
    assert asked == {"numpy", "json", "numpy.random.rand"}


pieces = st.sampled_from(
    ["import a", "from a import b", "a.b.c", "a", "=", "(", ")", ":", "\n", "    ", "def f", "class A", "try", "except",
     "lambda", "'", "if", "[", "]", "*", ",", "for", "in", "del", "1", "@", "await", "match", "global", "\\", "\0"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(pieces).map(" ".join)))
@example("a" + ".b" * 900)
@example("a = 1\nb = " + "+".join("a" * 2900))
@example("a" + "()" * 500)
def test_nothing_is_raised_whatever_the_program(code):
    found = check(code, Library())
    assert found
    assert not any("\n" in finding for finding in found)
