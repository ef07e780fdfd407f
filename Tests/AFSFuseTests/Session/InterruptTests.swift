import AFSBase
import AFSClient
import AFSFuse
import CTestCalls
import Glibc
import Testing

@Suite(.tags(.mount), .enabled(if: canMount), .serialized, .timeLimit(.minutes(1)))
struct InterruptTests {
  @Test("A signal ends a request that waits for the server, with EINTR")
  func interrupted() async throws {
    let fileSystem = MemoryFileSystem()
    fileSystem.plant("f", [UInt8](repeating: 1, count: 1000))
    fileSystem.behaviour.blocksReads = true
    try await TestMount.with(fileSystem) { mount in
      defer { fileSystem.releaseReads() }
      try await mount.run { path throws in
        // Through the page cache only signals which kill would end it.
        let file = try call(open(path + "/f", O_RDONLY | test_o_direct()))
        defer { close(file) }
        let outcome = Monitor<Int32?>(nil)
        let reader = try #require(
          WorkerThread(name: "afs-reader") {
            let buffer = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 4096)
            defer { buffer.deallocate() }
            let code = failure(pread(file, buffer, 4096, 0))
            outcome.change { $0 = code }
          })
        let requested = waitFor { mount.session.statistics.waitingRequests == 1 }
        #expect(requested)
        reader.interrupt()
        let code = outcome.wait(until: SystemClock.monotonic + .seconds(5)) { $0 }
        #expect(code == EINTR)
        if code == nil { fileSystem.releaseReads() }
        reader.join()
      }
      #expect(fileSystem.counts.interrupted == 1)
      #expect(mount.session.statistics.waitingRequests == 0)
    }
  }

  @Test("A program that waits for the server can be ended by Ctrl-C")
  func killed() async throws {
    let fileSystem = MemoryFileSystem()
    fileSystem.plant("f", [UInt8](repeating: 1, count: 1000))
    fileSystem.behaviour.blocksReads = true
    try await TestMount.with(fileSystem) { mount in
      defer { fileSystem.releaseReads() }
      try await mount.run { path throws in
        var argv: [UnsafeMutablePointer<CChar>?] = [strdup("cat"), strdup(path + "/f"), nil]
        defer { for pointer in argv { free(pointer) } }
        var pid = pid_t()
        // A thread of the test's has all signals blocked.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // Who starts the tests in the background of a script has SIGINT ignored, and so would the program.
        var interrupt = sigset_t()
        sigemptyset(&interrupt)
        sigaddset(&interrupt, SIGINT)
        posix_spawnattr_setsigdefault(&attributes, &interrupt)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        try #require(posix_spawnp(&pid, "cat", nil, &attributes, &argv, environ) == 0)
        #expect(waitFor { mount.session.statistics.waitingRequests == 1 })
        kill(pid, SIGINT)
        var status: Int32 = 0
        #expect(waitFor { waitpid(pid, &status, WNOHANG) == pid })
        #expect(status & 0x7f == SIGINT)
      }
    }
  }

  @Test("The end of the connection ends requests that wait, and later ones")
  func aborted() async throws {
    let fileSystem = MemoryFileSystem()
    fileSystem.plant("f", [UInt8](repeating: 1, count: 1000))
    fileSystem.behaviour.blocksReads = true
    try await TestMount.with(fileSystem) { mount in
      try await mount.run { path throws in
        let file = try call(open(path + "/f", O_RDONLY))
        defer { close(file) }
        let outcome = Monitor<Int32?>(nil)
        defer { fileSystem.releaseReads() }
        let reader = WorkerThread(name: "afs-reader") {
          var byte: UInt8 = 0
          let code = failure(pread(file, &byte, 1, 0))
          outcome.change { $0 = code }
        }
        #expect(waitFor { mount.session.statistics.waitingRequests == 1 })
        mount.session.abort()
        let finished = Monitor(false)
        Task {
          await mount.session.finish(within: .seconds(5))
          finished.change { $0 = true }
        }
        #expect(finished.wait(until: SystemClock.monotonic + .seconds(10)) { $0 ? true : nil } == true)
        let code = outcome.wait(until: SystemClock.monotonic + .seconds(5)) { $0 }
        #expect(code == ECONNABORTED || code == ENOTCONN || code == EINTR)
        reader?.join()
        #expect(failure(access(path + "/g", F_OK)) == ENOTCONN)
      }
    }
  }

  private func waitFor(_ condition: () -> Bool) -> Bool {
    for _ in 0..<500 {
      if condition() { return true }
      usleep(10_000)
    }
    return false
  }
}
