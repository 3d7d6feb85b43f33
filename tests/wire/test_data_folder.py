"""The data folder holds secrets: what the server writes is its owner's alone, whatever the umask, but for what sandboxes read."""

import os
import stat
import subprocess

import conftest
import functions
import hosting
import notes_api
import pytest


def modes_below(folder):
    for path in [folder, *sorted(folder.rglob("*"))]:
        yield path.relative_to(folder), path.lstat()


@pytest.mark.parametrize("account", hosting.ACCOUNTS)
@pytest.mark.parametrize("umask", ["000", "077"])
def test_files_are_their_owners_alone(account, umask):
    with hosting.server_as(account, prefix=("sh", "-c", f'umask {umask}; exec "$0" "$@"')) as server:
        assert notes_api.notes_of(server).call("POST", "/notes", {"title": "t", "content": "c"}).status == 201
        s3 = server.client("s3")
        s3.create_bucket(Bucket="folder")
        s3.put_object(Bucket="folder", Key="k", Body=b"x" * 100_000)
        role = functions.make_role(server, "folder")
        functions.make_function(server, "folder", functions.PROBE, "probe", role)
        assert functions.invoke(server, "folder", {"do": "write", "path": "/tmp/x"})[1] is None
        seen = set()
        for path, status in modes_below(server.data):
            seen.add(path.parts[0] if path.parts else ".")
            mode = stat.S_IMODE(status.st_mode)
            if path.parts[:1] == ("functions",):
                allowed = {0o755} if stat.S_ISDIR(status.st_mode) else {0o644, 0o755}
            else:
                allowed = {0o700} if stat.S_ISDIR(status.st_mode) else {0o600}
            assert mode in allowed, f"{path}: {mode:o}"
        assert seen >= {".", "store", "functions", "credentials", "endpoint"}


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o770, 0o701, 0o702, 0o777])
def test_a_folder_that_others_can_use_is_refused_with_what_mends_it(own_server, tmp_path, mode):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)
    with pytest.raises(RuntimeError, match=f"chmod 700 {data}") as refused:
        own_server(data=data)
    assert f"{mode:04o}" in str(refused.value)
    assert not list(data.iterdir())
    subprocess.run(["chmod", "700", data], check=True)
    own_server(data=data)


def test_files_of_an_older_server_are_closed_to_others(own_server):
    first = own_server()
    assert first.stop() == 0
    store = first.data / "store"
    store.chmod(0o755)
    for path in store.iterdir():
        path.chmod(0o644)
    os.chmod(first.data / "endpoint" if (first.data / "endpoint").exists() else first.data / "credentials", 0o600)
    second = own_server(data=first.data)
    for path, status in modes_below(second.data / "store"):
        assert stat.S_IMODE(status.st_mode) & 0o077 == 0, path


def test_functions_files_have_the_umask_of_aws(own_server):
    server = own_server("--deploy", conftest.TEMPLATE)
    role = functions.make_role(server, "umask")
    functions.make_function(server, "umask", functions.PROBE, "probe", role)
    status, error = functions.invoke(server, "umask", {"do": "read", "path": "/proc/self/status"})
    assert error is None and status.startswith("read")
