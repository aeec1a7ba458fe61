"""A case shows something only if it fails where its protection is off: here it is off, and the case has to fail."""

import re

import pytest

from adversarial.catalogue import expanded, read
from adversarial.servers import launch, limited
from adversarial.stage import play

CASES = {case.label: case for case in expanded(read())}

IN_PROCESS = {"settings": {"--render-mode": "inprocess"}}

# What is off, and the problem that shows it: a case that fails for another reason would show nothing.
UNPROTECTED = {
    "WC-04 os_exit_4": (IN_PROCESS, "next GET /healthz: Connection"),
    "WC-07 segv": (IN_PROCESS, "the server has ended|next GET /healthz: Connection"),
    "WC-14 hang_c": (IN_PROCESS, "next GET /healthz: no answer"),
    "WC-32 leave_child_running-2": (IN_PROCESS, "nothing_left_behind"),
    "WC-40 killed_mid_write": (IN_PROCESS, "render_process_replaced"),
    "WC-10 oom_py": ({"settings": {"--render-memory": 2**40}}, "memory_held_at_most|no answer"),
    "RX-05 huge_bitmap-3": ({"settings": {"--max-pixels": 10**9}}, r"expected \[400\], got 1 × 200"),
    "RX-20 large_svg": ({"settings": {"--max-output": 10**9}}, r"expected \[422\], got 1 × 200"),
    "WC-41 import_error_on_first_call-2": ({"command": "dev"}, "tells 'Traceback'"),
    "CC-05 first_client_leaves": ({"settings": {"--cache-memory": 0}}, "drawn_at_most: 2 times"),
    "HT-21 long_address-2": ({"settings": {"--max-url": 65536}}, r"expected \[414\], got 1 × 200"),
    "HT-24 endless_body": ({"settings": {"--max-body": 10**9}}, "after 64,000,000 bytes it still reads"),
    "HT-32 error_forms": ({"environment": {"PLOTROUTE_ERROR_PICTURES": "0"}}, r"not 'image/svg\\\\\+xml"),
}

# The same of cases that start servers of their own: there it is off in those.
UNPROTECTED_OWN = {
    "CF-09 huge_file": ({"--cache-disk": 2**33}, r"a process has taken \d{3},\d{3},\d{3} bytes more"),
    "CF-18 evicted_by_both": ({"--cache-disk": 2**30}, r"\d,\d{3},\d{3} bytes are kept of 1,048,576"),
}


@pytest.mark.parametrize("label", UNPROTECTED)
def test_without_its_protection_the_case_fails(label, goldens):
    off, shown = UNPROTECTED[label]
    # What takes memory without end finds one here all the same.
    server = launch(**off, wrapper=limited(v=4 * 2**20))
    try:
        server.await_ready()
        server.patience = 3
        problems = "\n".join(play(CASES[label], server, goldens))
        assert re.search(shown, problems), f"{label} does not fail without its protection: {problems}"
    finally:
        server.kill()


@pytest.mark.parametrize("label", UNPROTECTED_OWN)
def test_without_its_protection_a_case_with_servers_of_its_own_fails(label, shared, goldens):
    off, shown = UNPROTECTED_OWN[label]
    problems = "\n".join(play(CASES[label], shared.get(), goldens, off))
    assert re.search(shown, problems), f"{label} does not fail without its protection: {problems}"
