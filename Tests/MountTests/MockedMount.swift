import AFSBase
import AFSCache
import AFSClient
import AFSFuse
import AFSMockServer
import AFSTypes
import Glibc
import Logging
import RxCore
import RxTransport
import SystemPackage
import TestFolders
import TestThreads
import TestWorld
import Testing

/// Whether this machine lets us mount.
let canMount: Bool = {
  let device = open("/dev/fuse", O_RDWR)
  if device >= 0 { close(device) }
  if device < 0 { print("MountTests are skipped: /dev/fuse cannot be opened") }
  return device >= 0
}()

/// A mock cell on a loopback address of its own.
struct LoopbackCell {
  static let name = CellName("mock.example")!

  let cell: MockCell
  let transports: [RxTransport]
  let address: UInt32
  let root: FID

  /// Opens ports 7000 and 7003 of the first address of 127.77.1.0/24 that is free.
  init() throws {
    var opened: (UInt32, [RxTransport])?
    for number in UInt32(1)...250 where opened == nil {
      let address = 0x7F4D_0100 + number
      guard let file = try? Self.transport(address, 7000) else { continue }
      opened = (address, [file, try Self.transport(address, 7003)])
    }
    (address, transports) = try #require(opened)
    cell = MockCell(name: Self.name, seed: UInt64(address), timer: transports[0].timer)
    cell.addServer(addresses: [RxAddress(ipv4: address, port: 7000)], caller: transports[0])
    for service in cell.fileServices(ofServer: 0) { transports[0].register(service) }
    for service in cell.databaseServices() { transports[1].register(service) }
    root = .root(of: cell.makeVolume("root.cell", server: 0))
  }

  private static func transport(_ address: UInt32, _ port: UInt16) throws -> RxTransport {
    try RxTransport(options: RxTransportOptions(address: RxAddress(ipv4: address, port: port), port: port))
  }

  func end() async {
    for transport in transports { await transport.shutDown() }
  }
}

/// An AFS client of a `LoopbackCell`, mounted. Operations run on threads of their own with a time limit.
struct MockedMount {
  let session: FuseSession
  let fileSystem: AFSFileSystem
  let path: String

  /// Mounts `count` clients of a new cell, runs `body`, and takes all down, whatever happens.
  static func with(
    mounts count: Int = 1, _ configure: @escaping @Sendable (inout AFSClientConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (LoopbackCell, [MockedMount]) async throws -> Void
  ) async throws {
    let cell = try LoopbackCell()
    var outcome = Result<Void, any Error>.success(())
    do {
      try await mount(count, [], cell, configure, body)
    } catch {
      outcome = .failure(error)
    }
    await cell.end()
    try outcome.get()
  }

  private static func mount(
    _ count: Int, _ mounted: [MockedMount], _ cell: LoopbackCell,
    _ configure: @escaping @Sendable (inout AFSClientConfiguration) -> Void,
    _ body: @escaping @Sendable (LoopbackCell, [MockedMount]) async throws -> Void
  ) async throws {
    guard mounted.count < count else { return try await body(cell, mounted) }
    let transport = try RxTransport(options: RxTransportOptions())
    let (cacheFolder, mountFolder) = (TemporaryFolder(), TemporaryFolder())
    let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    var configuration = AFSClientConfiguration(
      localCell: LoopbackCell.name,
      cells: [.init(name: LoopbackCell.name, locationServers: [RxAddress(ipv4: cell.address, port: 7003)])])
    configuration.root = .volume("root.cell")
    configure(&configuration)
    let cache = try DiskCache(directory: cacheFolder.path + "/cache", sizeMax: 64 << 20)
    let executor = transport.executor
    let fileSystem = AFSFileSystem(
      configuration: configuration,
      in: .init(
        caller: transport, timer: transport.timer, log: log, cache: cache, resolver: nil,
        stateDirectory: FilePath(cacheFolder.path), seed: UInt64(mounted.count),
        spawn: { body in Task(executorPreference: executor) { await body() } }))
    transport.register(fileSystem.callbackService)
    let background = Task(executorPreference: executor) { await fileSystem.run() }
    let session = try FuseSession.mount(
      fileSystem, at: try MountPoint(checking: mountFolder.path, allowsNonempty: false), options: MountOptions(),
      logger: log, spawn: { body in Task(executorPreference: executor) { await body() } })
    let new = MockedMount(session: session, fileSystem: fileSystem, path: mountFolder.path)
    var outcome = Result<Void, any Error>.success(())
    do {
      try await mount(count, mounted + [new], cell, configure, body)
    } catch {
      outcome = .failure(error)
    }
    do { try session.unmount(lazily: false) } catch { try? session.unmount(lazily: true) }
    session.abort()
    await session.waitUntilEnded()
    await session.finish()
    background.cancel()
    try? await fileSystem.shutDown()
    await transport.shutDown()
    try outcome.get()
  }

  /// Runs system calls on a thread of its own; a hang fails the test and aborts the mount.
  @discardableResult
  func run<Value: Sendable>(
    seconds: Int = 30, interruptedAfter pause: Duration? = nil,
    _ body: @escaping @Sendable (_ path: String) throws -> Value
  ) async throws -> Value {
    let atHang = {
      defer { session.abort() }
      return "\(session.statistics)"
    }
    return try await onOwnThread(seconds: seconds, interruptedAfter: pause, atHang: atHang) { [path] in try body(path) }
  }

  /// Whether `body` holds within two seconds: the kernel may hear of a change a little later than the server's client.
  func holds(_ body: @escaping @Sendable (_ path: String) throws -> Bool) async throws -> Bool {
    try await run { path in
      for _ in 0..<200 {
        if try body(path) { return true }
        usleep(10_000)
      }
      return false
    }
  }
}
