import AFSBase
import AFSClient
import AFSFuse
import Glibc
import Logging
import RxTransport
import TestFolders
import TestThreads
import Testing

extension Tag {
  /// Needs /dev/fuse.
  @Tag static var mount: Self
}

/// Whether this machine lets us mount.
let canMount: Bool = {
  let device = open("/dev/fuse", O_RDWR)
  if device >= 0 { close(device) }
  return device >= 0
}()

/// A mounted `MemoryFileSystem`. Operations run on threads of their own with a time limit: a fault in the
/// mount cannot hang the tests.
struct TestMount {
  let fileSystem: MemoryFileSystem
  let session: FuseSession
  let path: String

  /// - Parameter cached: false sends everything through tasks.
  static func with(cached: Bool, _ body: (TestMount) async throws -> Void) async throws {
    let fileSystem = MemoryFileSystem()
    fileSystem.behaviour.answersFromCache = cached
    try await with(fileSystem, body)
  }

  /// Mounts, runs `body`, unmounts, whatever happens.
  static func with(
    _ fileSystem: MemoryFileSystem = MemoryFileSystem(), options: MountOptions = MountOptions(),
    controlPath: String? = nil, _ body: (TestMount) async throws -> Void
  ) async throws {
    let folder = TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let path = folder.path
    let point = try MountPoint(checking: path, allowsNonempty: false)
    // On a thread of its own, as the daemon does: behind simulations, which keep all of the pool's threads for seconds,
    // requests would time out.
    let thread = try RxIOThread(name: "afs-test-io")
    defer { thread.end() }
    let session = try FuseSession.mount(
      fileSystem, at: point, options: options, controlPath: controlPath,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      spawn: { body in Task(executorPreference: thread) { await body() } })
    let mount = TestMount(fileSystem: fileSystem, session: session, path: path)
    var failure: (any Error)?
    do { try await body(mount) } catch { failure = error }
    do { try session.unmount(lazily: false) } catch { try? session.unmount(lazily: true) }
    session.abort()
    await session.waitUntilEnded()
    await session.finish()
    if let failure { throw failure }
  }

  /// Runs system calls on a thread of its own; a hang fails the test and aborts the mount.
  @discardableResult
  func run<Value: Sendable>(
    seconds: Int = 60, _ body: @escaping @Sendable (_ path: String) throws -> Value
  ) async throws -> Value {
    let atHang = {
      defer { session.abort() }
      return "\(session.statistics)"
    }
    return try await onOwnThread(seconds: seconds, atHang: atHang) { [path] in try body(path) }
  }
}

/// An errno as a Swift error.
struct CallError: Error, Equatable {
  let code: Int32
  init(_ code: Int32) { self.code = code }
}

/// Throws when a system call failed.
@discardableResult
func call<Value: SignedInteger>(_ result: Value) throws -> Value {
  if result < 0 { throw CallError(errno) }
  return result
}

/// The errno of a system call that has to fail; 0 if it did not.
func failure<Value: SignedInteger>(_ result: Value) -> Int32 { result < 0 ? errno : 0 }

func writeFile(_ path: String, _ bytes: [UInt8], flags: Int32 = O_WRONLY | O_CREAT | O_TRUNC) throws {
  let file = try call(open(path, flags, 0o644))
  defer { close(file) }
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = try rest.withUnsafeBytes { try call(write(file, $0.baseAddress, $0.count)) }
    rest = rest.dropFirst(count)
  }
}

func readFile(_ path: String) throws -> [UInt8] {
  let file = try call(open(path, O_RDONLY))
  defer { close(file) }
  return try readAll(file)
}

func readAll(_ file: Int32, chunk: Int = 1 << 20) throws -> [UInt8] {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: chunk)
  while true {
    let count = try call(read(file, &buffer, chunk))
    if count == 0 { return bytes }
    bytes += buffer[..<count]
  }
}

func list(_ path: String) throws -> [String] {
  guard let directory = opendir(path) else { throw CallError(errno) }
  defer { closedir(directory) }
  var names: [String] = []
  errno = 0
  while let entry = readdir(directory) {
    names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
  }
  return names
}

func status(_ path: String) throws -> stat {
  var status = stat()
  try call(lstat(path, &status))
  return status
}
