"""What the sandbox keeps a script away from."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

import treewright
from treewright.errors import ConfigError, ExecutorError
from treewright.execution import LocalExecutor, find_sandbox
from treewright.execution.plain import NoSandbox
from treewright.execution.probe import _bubblewrap, probe
from treewright.protocols import Job

PYTHON = Path(sys.executable)
SOURCE = str(Path(treewright.__file__).parents[1])


@pytest.fixture(scope="module")
def sandbox():
    try:
        return find_sandbox("bwrap", PYTHON)
    except ConfigError as error:
        pytest.skip(str(error))


@pytest.fixture
def job(tmp_path):
    workdir, data = tmp_path / "node", tmp_path / "data"
    workdir.mkdir()
    data.mkdir()
    return lambda code, **more: Job(code, workdir, data, 60, **more)


@pytest.fixture
def run(sandbox, job):
    """Runs a script; what it prints is read as JSON."""

    def run(code, **more):
        execution = LocalExecutor(sandbox, PYTHON).run(job(code, **more))
        assert execution.failure is None, execution.output
        return json.loads(execution.output)

    return run


TRY = """
import json, os
def attempt(path, mode):
    try:
        os.close(os.open(path, mode))
    except OSError:
        return False
    return True
"""


def test_files_outside_are_not_there(run, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("gold")
    sibling = tmp_path / "sibling"
    sibling.mkdir()
    places = [
        secret,
        sibling,
        tmp_path,
        Path.home() / ".ssh",
        Path.home() / ".bashrc",
        Path("/etc/shadow"),
        Path("/var"),
    ]
    code = f"import json, os; print(json.dumps([p for p in {list(map(str, places))} if os.path.exists(p)]))"
    assert run(code) == []


def test_the_log_and_the_program_are_out_of_reach(run):
    assert run("import json, os; print(json.dumps(sorted(os.listdir('.'))))") == ["input", "solution.py", "working"]
    assert run(TRY + "print(json.dumps(attempt('solution.py', os.O_WRONLY)))") is False


def test_tracebacks_show_no_path_of_this_machine(sandbox, job, tmp_path):
    execution = LocalExecutor(sandbox, PYTHON).run(job("1 / 0"))
    assert "solution.py" in execution.output
    assert str(tmp_path) not in execution.output


@pytest.mark.parametrize("path", ["/x", "/usr/x", "/dev/x", "/etc/x", "/tmp/node/input/x", os.__file__])
def test_only_its_own_folders_can_be_written(run, path):
    assert run(TRY + f"print(json.dumps(attempt({path!r}, os.O_WRONLY | os.O_CREAT)))") is False


@pytest.mark.parametrize("path", ["/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger"])
def test_the_kernels_settings_cannot_be_changed_not_even_where_we_are_root(run, path):
    assert run(TRY + f"print(json.dumps(attempt({path!r}, os.O_WRONLY)))") is False


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "."])
def test_scratch_space_is_its_own_and_goes_when_it_ends(run, job, folder):
    path = Path(folder, uuid4().hex)
    code = f"import json; print(json.dumps(open({str(path)!r}, 'x').write('1')))"
    assert run(code) == run(code) == 1
    assert not path.exists()
    assert not (job("").workdir / path).exists()


def test_scratch_space_is_limited(sandbox, job):
    if "--size" not in sandbox.options:
        pytest.skip("this bwrap cannot limit it")
    execution = LocalExecutor(sandbox, PYTHON).run(job("open('/tmp/x', 'wb').write(bytes(30 * 2**20))", memory_mb=100))
    assert execution.failure == "raised OSError: [Errno 28] No space left on device"


def test_there_is_no_network(run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        code = f"import json, socket; print(json.dumps(socket.socket().connect_ex(('127.0.0.1', {port}))))"
        assert run(code) != 0


def test_the_loopback_between_its_own_processes_works(run):
    code = """if __name__ == "__main__":
        import json, socket
        server = socket.create_server(("127.0.0.1", 0))
        print(json.dumps(socket.socket().connect_ex(server.getsockname())))"""
    assert run(code) == 0


def test_other_processes_can_neither_be_seen_nor_ended(run):
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        code = f"""
import json, os
for pid in (os.getppid(), {other.pid}, {os.getpid()}, -1):
    try: os.kill(pid, 15)
    except OSError: pass
print(json.dumps(sorted(int(pid) for pid in os.listdir("/proc") if pid.isdigit())))"""
        assert run(code) == [1, 2]
        assert other.poll() is None
        other.kill()


def test_it_is_no_root_and_cannot_become_it(run, sandbox):
    code = """
import json, os, subprocess
made = subprocess.run(["unshare", "--user", "true"], stderr=subprocess.DEVNULL).returncode == 0
print(json.dumps([os.getuid(), made]))"""
    uid, made = run(code)
    assert uid != 0
    assert not made or "--disable-userns" not in sandbox.options


@pytest.mark.parametrize("target", ["{tmp_path}/elsewhere/big.csv", "../elsewhere/big.csv"])
def test_a_file_linked_into_the_input_can_be_read_and_its_neighbours_cannot(run, tmp_path, job, target):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "big.csv").write_text("x\n")
    (elsewhere / "secret").write_text("gold")
    (job("").input / "big.csv").symlink_to(target.format(tmp_path=tmp_path))
    (job("").input / "gone.csv").symlink_to(elsewhere / "gone.csv")
    (job("").input / "alias.csv").symlink_to("big.csv")
    code = """
import json, os
there = os.listdir(os.path.dirname(os.path.realpath("input/big.csv")))
print(json.dumps([open("input/big.csv").read(), open("input/alias.csv").read(), there]))"""
    assert run(code) == ["x\n", "x\n", ["big.csv"]]


def test_devices_are_let_in_by_name(sandbox, job):
    ordinary = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
    there = [path for path in sorted(Path("/dev").iterdir()) if not path.is_symlink() and path.name not in ordinary]
    devices = [path for path in there if path.is_char_device()]
    if len(devices) < 2:
        pytest.skip("this machine has no devices to spare")
    executor = LocalExecutor(replace(sandbox, devices=(devices[0],)), PYTHON)
    execution = executor.run(job(f"import os; print([os.path.exists(d) for d in {list(map(str, devices[:2]))}])"))
    assert execution.output == "[True, False]\n"


def test_thread_pools_find_out_about_the_processors(run):
    pytest.importorskip("joblib")
    code = "import json, joblib; print(json.dumps(joblib.cpu_count(only_physical_cores=True)))"
    assert run(code, cpus=os.cpu_count()) >= 1


def test_a_sandbox_that_cannot_be_set_up_says_so(sandbox, job):
    broken = LocalExecutor(replace(sandbox, program=Path("/bin/false")), PYTHON, pauses=())
    with pytest.raises(ExecutorError, match="could not be started"):
        broken.run(job("pass"))


@pytest.mark.usefixtures("sandbox")
def test_scripts_end_when_the_harness_is_killed(job):
    hold = "f = open('working/f', 'w'); fcntl.flock(f, 2); os.mkdir('working/ready')"
    task = job(f"import fcntl, os, time\n{hold}\ntime.sleep(60)")
    harness = f"""
from pathlib import Path
from treewright.execution import LocalExecutor, find_sandbox
from treewright.protocols import Job
python = Path({str(PYTHON)!r})
task = Job({task.code!r}, Path({str(task.workdir)!r}), Path({str(task.input)!r}), 60)
LocalExecutor(find_sandbox("bwrap", python), python).run(task)"""
    with subprocess.Popen([PYTHON, "-c", harness], env={**os.environ, "PYTHONPATH": SOURCE}) as process:
        until = time.monotonic() + 30
        while not (task.workdir / "working/ready").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    # Waits for as long as the script holds the file, which would be a minute.
    assert subprocess.run(["flock", "--timeout", "20", task.workdir / "working/f", "true"], check=False).returncode == 0


@pytest.mark.usefixtures("sandbox")
def test_nothing_stays_or_starts_when_the_harness_is_killed_while_it_starts_a_script(job):
    task = job("print()")
    harnesses = f"""
import os, signal, time
from pathlib import Path
from treewright.execution import LocalExecutor, find_sandbox
from treewright.protocols import Job
python = Path({str(PYTHON)!r})
executor = LocalExecutor(find_sandbox("bwrap", python), python)
for i in range(60):
    workdir = Path({str(task.workdir)!r}, str(i))
    workdir.mkdir()
    harness = os.fork()
    if harness == 0:
        executor.run(Job("import time; time.sleep(60)", workdir, Path({str(task.input)!r}), 60))
    time.sleep(i / 5000)  # a sweep over the moments of a start
    os.kill(harness, signal.SIGKILL)
    os.waitpid(harness, 0)"""
    subprocess.run([PYTHON, "-c", harnesses], env={**os.environ, "PYTHONPATH": SOURCE}, check=True)

    def left():
        commands = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                commands.append(path.read_bytes())
        return [command for command in commands if bytes(task.workdir) in command]

    until = time.monotonic() + 20
    while left() and time.monotonic() < until:
        time.sleep(0.01)
    assert left() == []


# The choice


def test_where_bwrap_works_at_all_so_does_our_sandbox():
    least = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]
    if shutil.which("bwrap") is None or subprocess.run(least, check=False).returncode != 0:
        pytest.skip("bwrap does not work on this machine")
    assert find_sandbox("bwrap", PYTHON).name == "bwrap"


def test_auto_is_a_sandbox_that_works(sandbox):
    assert find_sandbox("auto", PYTHON) is sandbox


def test_a_sandbox_that_contains_nothing_is_found_out():
    assert "files" in probe(NoSandbox(), PYTHON)


def test_no_bwrap_at_all_is_an_error_with_the_mend(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    _bubblewrap.cache_clear()
    with pytest.raises(ConfigError, match=r"apt install bubblewrap.*--sandbox none"):
        find_sandbox("auto", PYTHON)


def test_a_bwrap_that_does_not_work_is_an_error_with_its_reason(monkeypatch, tmp_path):
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    _bubblewrap.cache_clear()
    with pytest.raises(ConfigError, match=r"(?s)uid map: Permission denied.*--sandbox none"):
        find_sandbox("bwrap", PYTHON)


def test_an_unknown_choice_names_the_known_ones():
    with pytest.raises(ConfigError, match="auto, bwrap, none"):
        find_sandbox("docker", PYTHON)


@pytest.mark.usefixtures("sandbox")
def test_it_holds_for_an_ordinary_user_too():
    if os.getuid() != 0:
        pytest.skip("we are one, and so all the other tests say it")
    code = f"""
import sys; sys.path.insert(0, {SOURCE!r})
from pathlib import Path
from treewright.execution import find_sandbox
print(find_sandbox("bwrap", Path(sys.executable)).name)"""
    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "env": {"PATH": "/usr/bin:/bin"}, "cwd": "/"}
    for python in (PYTHON, "/usr/bin/python3"):
        try:
            command = [
                python,
                "-c",
                f"import sys, os; sys.exit(sys.version_info < (3, 11) or not os.listdir({SOURCE!r}))",
            ]
            reachable = subprocess.run(command, **nobody, stderr=subprocess.DEVNULL, check=False).returncode == 0
        except OSError:
            reachable = False
        if reachable:
            done = subprocess.run([python, "-B", "-c", code], **nobody, capture_output=True, text=True, check=False)
            assert done.stdout == "bwrap\n", done.stderr
            return
    pytest.skip("an ordinary user can reach no interpreter, or not this source")
