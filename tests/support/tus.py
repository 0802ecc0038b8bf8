"""A small tus client for tests: one function a request, each gives the qrx.Answer; see upload() for a whole one."""
import base64

import qrx

VERSION = {"Tus-Resumable": "1.0.0"}


def metadata(**values):
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def create(upload_url, length, name="file", delivery=None, body=None, **more):
    """POST; length None: deferred. `more`: further headers, '_' for '-'."""
    headers = dict(VERSION)
    headers["Upload-Metadata"] = metadata(filename=name, **({"delivery": delivery} if delivery else {}))
    if length is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(length)
    if body is not None:
        headers["Content-Type"] = "application/offset+octet-stream"
    headers.update({key.replace("_", "-"): str(value) for key, value in more.items()})
    return qrx.request("POST", upload_url + "/uploads", body if body is not None else b"", headers)


def location(server_url, answer):
    url = answer.header("Location") or qrx.fail(f"no Location: {answer!r}")
    return url if url.startswith("http") else server_url + url


def patch(url, offset, data, timeout=30, **more):
    headers = {**VERSION, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    headers.update({key.replace("_", "-"): str(value) for key, value in more.items()})
    return qrx.request("PATCH", url, data, headers, timeout=timeout)


def head(url):
    return qrx.request("HEAD", url, headers=VERSION)


def offset(url):
    answer = head(url)
    if answer.status not in (200, 204):
        qrx.fail(f"HEAD {url}: {answer!r}")
    return int(answer.header("Upload-Offset"))


def open_delivery(upload_url):
    answer = qrx.request("POST", upload_url + "/deliveries", b"{}", {"Content-Type": "application/json"})
    qrx.check_equal(201, answer.status, f"opening a delivery: {answer!r}")
    return answer.json()["delivery"]


def commit(upload_url, delivery, files):
    return qrx.request("POST", f"{upload_url}/deliveries/{delivery}/commit", b'{"files": %d}' % files,
                       {"Content-Type": "application/json"})
