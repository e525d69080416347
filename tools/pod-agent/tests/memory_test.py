"""A bucket goes out and in without becoming memory. `POD_AGENT_MEMORY_MIB=2048` runs it at full size."""

import hashlib
import http.client
import json
import os
import tempfile
import zipfile

from conftest import Agent

MIB = 1 << 20
SIZE = int(os.environ.get("POD_AGENT_MEMORY_MIB", "256"))
BOUND = 48 * MIB


def fill(agent: Agent) -> dict[str, str]:
    """Half of the size in objects of 4 MiB, half in one multipart object; digests by key."""
    s3 = agent.client("s3", read_timeout=900)  # moto takes its time to put a large object together
    s3.create_bucket(Bucket="bucket-b1")
    digests = {}
    for number in range(SIZE // 2 // 4):
        body = number.to_bytes(8, "big") * (4 * MIB // 8)
        s3.put_object(Bucket="bucket-b1", Key=f"object/{number}", Body=body)
        digests[f"object/{number}"] = hashlib.sha256(body).hexdigest()
    upload = s3.create_multipart_upload(Bucket="bucket-b1", Key="large")["UploadId"]
    parts, whole = [], hashlib.sha256()
    for number in range(1, SIZE // 2 // 32 + 1):
        body = (1000 + number).to_bytes(8, "big") * (32 * MIB // 8)
        whole.update(body)
        tag = s3.upload_part(Bucket="bucket-b1", Key="large", UploadId=upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": tag})
    s3.complete_multipart_upload(Bucket="bucket-b1", Key="large", UploadId=upload, MultipartUpload={"Parts": parts})
    digests["large"] = whole.hexdigest()
    return digests


def clear_peak(agent: Agent) -> int:
    """The peak of the process starts anew from what it holds now."""
    with open(f"/proc/{agent.process.pid}/clear_refs", "w") as control:
        control.write("5")
    return agent.memory()


def test_capture_and_inject_do_not_grow_with_the_size(start) -> None:
    # Objects below moto's threshold stay in moto's own memory; here all lie in its spooled files.
    agent = start(env={"MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(256 * 1024)})
    digests = fill(agent)
    with tempfile.TemporaryFile() as pod:
        held = clear_peak(agent)
        line = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=600)
        line.request("GET", "/_localstack/pods/state?services=s3")
        answer = line.getresponse()
        while piece := answer.read(MIB):
            pod.write(piece)
        capturing = agent.memory("VmHWM") - held
        agent.stop()

        other = start()
        other.client("s3").list_buckets()
        held = clear_peak(other)
        pod.seek(0)
        line = http.client.HTTPConnection("127.0.0.1", other.port, timeout=600)
        length = str(pod.seek(0, 2))
        pod.seek(0)
        line.request("POST", "/_localstack/pods?merge=overwrite", pod, {"Content-Length": length})
        answer = line.getresponse()
        lines = [json.loads(text) for text in answer.read().splitlines()]
        injecting = other.memory("VmHWM") - held
        assert answer.status == 201 and lines[-1]["status"] == "ok", lines
        with zipfile.ZipFile(pod) as archive:
            assert archive.namelist()[-1] == ".pod/capture.json"
    print(f"{SIZE} MiB: capture grew by {capturing / MIB:.0f} MiB, inject by {injecting / MIB:.0f} MiB")
    assert capturing < BOUND
    assert injecting < BOUND
    s3 = other.client("s3")
    for key in list(digests)[:3] + (["large"] if SIZE <= 512 else []):
        body = hashlib.sha256(s3.get_object(Bucket="bucket-b1", Key=key)["Body"].read()).hexdigest()
        assert body == digests[key], key
