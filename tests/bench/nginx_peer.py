"""The peer that rates are compared with: Debian's nginx with DAV PUT, sendfile and two workers."""
import os
import shutil
import socket

import qrx
import transfers

CONF = """
daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx-error.log; {user}
worker_processes 2; worker_rlimit_nofile 19000;
events {{ worker_connections 18000; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; client_max_body_size 0;
  client_body_temp_path {dir}/nginx-temp; proxy_temp_path {dir}/t1; fastcgi_temp_path {dir}/t2; uwsgi_temp_path {dir}/t3;
  scgi_temp_path {dir}/t4;
  server {{ listen 127.0.0.1:{port} backlog=4096{tls}; root {dir}/nginx-root;
    location / {{ dav_methods PUT DELETE; create_full_put_path on; dav_access user:rw; }} }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def start(work, directory, tls=""):
    """On a free port, with its files below the directory; gives the process and the port. `tls`: what goes after "listen ADDRESS"."""
    port = free_port()
    for part in ("nginx-root", "nginx-temp", "t1", "t2", "t3", "t4"):
        os.makedirs(os.path.join(directory, part))
    conf = os.path.join(directory, "nginx.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(CONF.format(dir=directory, port=port, tls=tls, user="user root;" if os.getuid() == 0 else ""))
    process = work.start(shutil.which("nginx") or "/usr/sbin/nginx", "-c", conf, "-p", directory,
                         "-e", os.path.join(directory, "nginx-error.log"), name="nginx")
    qrx.wait_for(10, lambda: transfers.answers(port), "nginx")
    return process, port
