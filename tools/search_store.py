"""Hold what the processes of a search share; tools/dist_search.sh starts it on node 0."""

from __future__ import annotations

from mmbfbox.errors import exit_on_user_error
from mmbfbox.search.store_host import host_store
from mmbfbox.utils.cli import make_parser


@exit_on_user_error
def main() -> None:
    """Hold the store."""
    parser = make_parser(
        'The key-value store that the processes of one search share. tools/dist_search.sh starts it; on '
        'SIGUSR1 it ends as soon as no other node works any more.',
        'python tools/search_store.py 29500 8',
    )
    parser.add_argument('port', type=int, help='port of this machine')
    parser.add_argument('processes', type=int, help='number of processes of the search')
    args = parser.parse_args()
    host_store(args.port, args.processes)


if __name__ == '__main__':
    main()
