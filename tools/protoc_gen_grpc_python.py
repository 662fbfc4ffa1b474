"""Lends buf the one generator it lacks: grpcio-tools' service stubs, as a protoc plugin.

grpcio-tools has its plugin linked into its own protoc, so buf cannot start it. This reads protoc's
CodeGeneratorRequest from stdin, hands the descriptors to that protoc and answers with its output.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet


def answer(request: CodeGeneratorRequest) -> CodeGeneratorResponse:
    """Generate the asked files in a temporary folder and hand them over."""
    response = CodeGeneratorResponse(
        supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    )
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder, "image.binpb")
        image.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out = Path(folder, "out")
        out.mkdir()
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={image}"]
        command += [f"--grpc_python_out={out}", *request.file_to_generate]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            response.error = run.stderr
        for path in sorted(out.rglob("*.py")):
            name = path.relative_to(out).as_posix()
            response.file.add(name=name, content=path.read_text())
    return response


def main() -> int:
    """Speak protoc's plugin protocol on stdin and stdout."""
    request = CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(answer(request).SerializeToString())
    return 0


if __name__ == "__main__":
    sys.exit(main())
