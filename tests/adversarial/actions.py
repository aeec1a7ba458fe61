"""The actions of the catalogue, by name. Each does something to the server and returns what came back."""

from adversarial.asking import (
    ask,
    ask_then_stop,
    deploy_under_load,
    first_leaves,
    kill_the_drawing,
    memory_stays,
    own_server_together,
    poison,
    sequence,
    together,
)
from adversarial.cache_faults import harmed_files, killed_while_writing, swapped_for_a_link
from adversarial.cache_mounts import full_disk, read_only_disk
from adversarial.http_edges import ask_each, head_like_get
from adversarial.lifecycle import (
    as_pid_1,
    ask_while_draining,
    bad_import,
    corrupt_font_cache,
    few_descriptors,
    kill_the_server,
    log_pipe_closed,
    read_only_root,
    reload_broken,
    reload_under_load,
    stop_twice,
    stop_while_drawing,
    tiny_tmp,
    with_environment,
)
from adversarial.shared_caches import errors_are_not_kept, evicted_by_both, two_nodes
from adversarial.slow_clients import (
    idle_connections,
    leave_the_queue,
    pipelined,
    reset_while_sending,
    slow_bodies,
    slow_body,
    slow_headers,
)
from adversarial.wire import announced_body, endless_body, huge_heads, request_targets, smuggled

ACTIONS = {
    action.__name__: action
    for action in (
        *(ask, ask_then_stop, deploy_under_load, first_leaves, kill_the_drawing, memory_stays),
        *(own_server_together, poison, sequence, together),
        *(as_pid_1, ask_while_draining, bad_import, corrupt_font_cache, few_descriptors, kill_the_server),
        *(log_pipe_closed, read_only_root, reload_broken, reload_under_load, stop_twice),
        *(stop_while_drawing, tiny_tmp, with_environment),
        *(idle_connections, leave_the_queue, pipelined, reset_while_sending),
        *(slow_bodies, slow_body, slow_headers),
        *(ask_each, head_like_get),
        *(announced_body, endless_body, huge_heads, request_targets, smuggled),
        *(harmed_files, killed_while_writing, swapped_for_a_link),
        *(full_disk, read_only_disk),
        *(errors_are_not_kept, evicted_by_both, two_nodes),
    )
}
