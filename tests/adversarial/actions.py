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
from adversarial.slow_clients import (
    idle_connections,
    leave_the_queue,
    pipelined,
    reset_while_sending,
    slow_bodies,
    slow_body,
    slow_headers,
)

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
    )
}
