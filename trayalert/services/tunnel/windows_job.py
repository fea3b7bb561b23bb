"""Runs a program in a Windows job object.

When the process that created the job ends, Windows kills all processes in the job. `JobProcess` implements
`process.TunnelProcess`. Windows has no SIGTERM, so `end` kills the processes immediately.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence

if sys.platform == "win32":
    import ctypes
    import subprocess
    from ctypes import wintypes

    _EXTENDED_LIMITS = 9
    _KILL_ON_CLOSE = 0x2000

    class _Limits(ctypes.Structure):
        """The structure JOBOBJECT_EXTENDED_LIMIT_INFORMATION of the Windows API."""

        _fields_ = (
            ("times", ctypes.c_int64 * 2),
            ("flags", wintypes.DWORD),
            ("working_set", ctypes.c_size_t * 2),
            ("active_processes", wintypes.DWORD),
            ("affinity", ctypes.c_size_t),
            ("priority", wintypes.DWORD * 2),
            ("counts", ctypes.c_uint64 * 6),
            ("memory", ctypes.c_size_t * 4),
        )

    class JobProcess:
        """A program that runs in a job object."""

        def __init__(self, process: asyncio.subprocess.Process, output: asyncio.StreamReader, job: int) -> None:
            self.output = output
            self.pid = process.pid
            self._process = process
            self._job = job

        async def wait(self) -> int:
            """Wait until the program has ended. Return the program's exit status."""
            return await self._process.wait()

        def end(self) -> None:
            """Kill all processes in the job."""
            if self._job:
                _kernel().CloseHandle(self._job)
                self._job = 0

        kill = close = end

    async def start_in_job(command: Sequence[str], environment: Mapping[str, str]) -> JobProcess:
        """Start a program in a new job object. Raise `OSError` if the program cannot be started."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            creationflags=subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP,
        )
        assert process.stdout is not None  # noqa: S101 - PIPE was requested
        kernel = _kernel()
        job = kernel.CreateJobObjectW(None, None)
        limits = _Limits(flags=_KILL_ON_CLOSE)
        kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits))
        made = kernel.OpenProcess(0x0101, False, process.pid)  # PROCESS_TERMINATE, PROCESS_SET_QUOTA
        kernel.AssignProcessToJobObject(job, made)
        kernel.CloseHandle(made)
        return JobProcess(process, process.stdout, job)

    def _kernel() -> ctypes.WinDLL:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = kernel.OpenProcess.restype = wintypes.HANDLE
        kernel.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
        kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
        kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
        return kernel
