package import AFSBase
import AFSCache
package import AFSClient
package import AFSCredentials
package import AFSMockServer
package import AFSTypes
import Foundation
package import Logging
import RxCore
package import RxSecurity
package import RxTesting
import RxTransport
import Synchronization
import SystemPackage
import TestFolders

/// A simulated cell with its clients, in virtual time: fileservers 10.0.1.1:7000 and so on, a database server
/// 10.0.1.100:7003, clients 10.0.2.1:7001 and so on. The volume `root.cell` is every client's root.
///
/// ```swift
/// try World.run(seed: 1) { world in
///   let client = world.clients[0]
///   try await client.write("hello", [1, 2, 3])
/// }
/// ```
package final class World: Sendable {
  /// How a world is made.
  package struct Options: Sendable {
    package var servers = 1
    package var clients = 1
    /// What fileservers demand of authenticated clients.
    package var minimumLevel = RxkadLevel.clear
    /// KiB of `root.cell`; 0 for none.
    package var quota: UInt64 = 0
    /// Clients keep names, attributes and pages as a kernel does, until they are invalidated.
    package var withKernel = false
    package var conditions = NetworkConditions()
    package var configure: @Sendable (inout AFSClientConfiguration) -> Void = { _ in }
    /// Virtual time that the test may take.
    package var timeLimit = Duration.seconds(24 * 3600)
    /// AFSFUSE_TEST_LOG sets it for a look at a failure: `debug`, `info` and so on.
    package var log: Logger.Level? = ProcessInfo.processInfo.environment["AFSFUSE_TEST_LOG"].flatMap {
      Logger.Level(rawValue: $0)
    }

    package init() {}
  }

  package static let cellName = CellName("mock.example")!

  package let simulator: Simulator
  package let cell: MockCell
  package let servers: [SimulatorHost]
  package let database: SimulatorHost
  package let rootAFS: VolumeID
  package let rootCell: VolumeID
  private let options: Options
  private let folder = TemporaryFolder()
  private let clientList = Mutex<[Client]>([])

  /// Makes a world, runs `body` in it, and ends what the clients do in the background.
  package static func run<Value: Sendable>(
    seed: UInt64, _ set: (inout Options) -> Void = { _ in }, _ body: @escaping @Sendable (World) async throws -> Value
  ) throws -> Value {
    var options = Options()
    set(&options)
    let world = World(seed: seed, options)
    defer { try? world.simulator.run { await world.end() } }
    return try world.simulator.run(limits: .init(time: options.timeLimit)) { try await body(world) }
  }

  private init(seed: UInt64, _ options: Options) {
    let simulator = Simulator(seed: seed)
    simulator.setConditions(options.conditions)
    let cell = MockCell(name: Self.cellName, seed: seed, timer: simulator.timer)
    servers = (0..<options.servers).map { number in
      let address = RxAddress(ipv4: 0x0A00_0101 + UInt32(number), port: 7000)
      let host = simulator.host("server\(number)", at: address)
      cell.addServer(addresses: [address], caller: host)
      for service in cell.fileServices(ofServer: number) {
        host.register(service)
        host.register(cell.serverSecurity(ofServer: number, minimumLevel: options.minimumLevel), for: service.id)
      }
      return host
    }
    database = simulator.host("database", at: RxAddress(ipv4: 0x0A00_0164, port: 7003))
    for service in cell.databaseServices() {
      database.register(service)
      database.register(cell.serverSecurity(ofServer: nil), for: service.id)
    }
    rootAFS = cell.makeVolume("root.afs", server: 0)
    rootCell = cell.makeVolume("root.cell", server: 0, quota: options.quota)
    cell.makeMountPoint(Self.cellName.text, in: .root(of: rootAFS), target: "#root.cell.")
    self.simulator = simulator
    self.cell = cell
    self.options = options
    for _ in 0..<options.clients { addClient() }
  }

  /// A further client host.
  /// - Parameters:
  ///   - former: a client whose state folder (but not its cache) it takes over, as a daemon does that is started
  ///   after another was killed.
  ///   - tokens: where its user's tokens come from; nil: he is anonymous.
  @discardableResult
  package func addClient(
    after former: Client? = nil, tokens: (any TokenProvider)? = nil,
    _ configure: (inout AFSClientConfiguration) -> Void = { _ in }
  ) -> Client {
    let number = clientList.withLock { $0.count }
    let host = simulator.host("client\(number)", at: RxAddress(ipv4: 0x0A00_0201 + UInt32(number), port: 7001))
    var configuration = AFSClientConfiguration(
      localCell: Self.cellName, cells: [.init(name: Self.cellName, locationServers: [database.address])])
    configuration.root = .volume("root.cell")
    configuration.interfaces = { [.init(address: 0x0A00_0201 + UInt32(number), netmask: 0xFFFF_FF00, mtu: 1500)] }
    options.configure(&configuration)
    configure(&configuration)
    let path = "\(folder.path)/client\(number)"
    let recorder = LogRecorder()
    var log = Logger(label: host.name) { [level = options.log] label in
      guard let level else { return recorder.handler(before: SwiftLogNoOpLogHandler()) }
      var printing = StreamLogHandler.standardError(label: label)
      printing.logLevel = level
      return recorder.handler(before: printing)
    }
    if let level = options.log { log.logLevel = min(level, .info) }
    guard let cache = try? DiskCache(directory: path, sizeMax: 256 << 20) else {
      preconditionFailure("no cache in \(path)")
    }
    var surroundings = AFSFileSystem.Surroundings(
      caller: host, timer: simulator.timer, log: log, cache: cache, resolver: nil,
      stateDirectory: FilePath(former?.stateFolder ?? path),
      seed: simulator.seed &* 1000 &+ UInt64(number),
      spawn: { [simulator] body in Task(executorPreference: simulator) { await body() } })
    if let tokens { (surroundings.tokens, surroundings.registry) = (tokens, host) }
    let fileSystem = AFSFileSystem(configuration: configuration, in: surroundings)
    host.register(fileSystem.callbackService)
    let kernel = KernelModel(timer: simulator.timer, isCaching: options.withKernel)
    fileSystem.setInvalidationSink(kernel)
    let background = Task(executorPreference: simulator) { await fileSystem.run() }
    let client = Client(
      host: host, fileSystem: fileSystem, kernel: kernel, timer: simulator.timer, cache: cache,
      stateFolder: former?.stateFolder ?? path, log: recorder, background: background)
    clientList.withLock { $0.append(client) }
    return client
  }

  /// Ends a client as kill -9 does: nothing is stored, nobody is told.
  package func kill(_ client: Client) async {
    client.host.setDown(true)
    await client.endBackground()
  }

  package var clients: [Client] { clientList.withLock { $0 } }

  /// The root directory of `root.cell`.
  package var root: FID { .root(of: rootCell) }

  package var now: MonotonicTime { simulator.now }

  package func sleep(_ duration: Duration) async throws {
    try await simulator.timer.sleep(until: simulator.now + duration)
  }

  /// A line in the log, when there is one.
  package func note(_ text: String) {
    if options.log != nil { print("--- \(now.nanoseconds / 1_000_000) ms: \(text)") }
  }

  /// Starts a task in the simulation.
  package func start<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
  ) -> Task<Value, any Error> {
    Task(executorPreference: simulator) { try await body() }
  }

  /// Ends every client without storing anything.
  private func end() async {
    for client in clients { await client.endBackground() }
  }
}
