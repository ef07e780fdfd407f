import AFSBase
import AFSCache
import AFSClient
import AFSControl
import AFSCredentials
import AFSFuse
import AFSTypes
import Glibc
import Logging
import RxCore
import RxTransport
import SystemPackage

/// The client behind a mount, with what it runs on: the wiring of transport, cache, client and front end.
struct MountedClient: Sendable {
  let fileSystem: AFSFileSystem
  let transport: RxTransport
  let cache: DiskCache
  private let trace: RxPacketTrace?
  private let localCell: CellName?
  private let duties: Task<Void, Never>

  var callbackPort: UInt16 { transport.boundPort }

  var tokens: TokenRequests {
    TokenRequests(fileSystem: fileSystem) { [transport] body in
      await Task(executorPreference: transport.executor) { await body() }.value
    }
  }

  /// Requests which wait for servers run on the I/O thread: their calls then cost no hand-over. While it sleeps, the
  /// thread that has read the request from the kernel sends the call itself.
  var spawn: TaskSpawner {
    { [transport] body in
      transport.visiting { Task(executorPreference: transport.executor) { await body() } }
    }
  }

  /// Opens the port and the cache, and looks at the root: a wrong cell or volume fails the mount, not its first user.
  static func start(_ settings: MountSettings, logger: Logger) async throws(Failure) -> MountedClient {
    var generator = SystemRandomNumberGenerator()
    let cells = try Cells(settings, seed: generator.next(), logger: logger)
    try await cells.requireLocalCell()
    let trace = try openTrace(settings)
    let transport = try openTransport(settings, trace: trace, logger: logger)
    let cache = try openCache(settings, logger: logger)
    var surroundings = AFSFileSystem.Surroundings(
      caller: transport, timer: transport.timer, log: logger, cache: cache, resolver: cells.resolver,
      stateDirectory: FilePath(settings.cacheFolder), seed: generator.next(),
      spawn: { body in Task(executorPreference: transport.executor) { await body() } })
    surroundings.tokens = tokens(settings, transport.timer, logger)
    surroundings.registry = transport
    surroundings.operations = {
      Dictionary(uniqueKeysWithValues: await transport.tables().operations.map { ($0.operation, $0.counts) })
    }
    surroundings.level = settings.securityLevel
    let fileSystem = AFSFileSystem(configuration: configuration(settings, cells), in: surroundings)
    transport.register(fileSystem.callbackService)
    let duties = Task(executorPreference: transport.executor) {
      await withDiscardingTaskGroup { group in
        group.addTask { await fileSystem.run() }
        group.addTask { await ServiceNotification.watch(transport.timer) }
      }
    }
    let client = MountedClient(
      fileSystem: fileSystem, transport: transport, cache: cache, trace: trace,
      localCell: cells.configuration.localCell,
      duties: duties)
    do throws(AFSError) {
      try await client.onTransport { () throws(AFSError) in try await fileSystem.checkRoot() }
    } catch {
      await client.shutDownQuietly()
      throw Failure(rootFailure(settings, error))
    }
    return client
  }

  /// Sees what has changed about the users' tokens.
  func lookForTokens() async {
    await Task(executorPreference: transport.executor) { await fileSystem.lookForTokens() }.value
  }

  /// Stores what is dirty, gives up callbacks, closes the port.
  func shutDown() async throws(AFSError) {
    let outcome: Result<Void, AFSError>
    do throws(AFSError) {
      outcome = .success(try await onTransport { () throws(AFSError) in try await fileSystem.shutDown() })
    } catch {
      outcome = .failure(error)
    }
    duties.cancel()
    await transport.shutDown()
    trace?.close()
    try outcome.get()
  }

  func shutDownQuietly() async {
    try? await shutDown()
  }

  /// Fills in what the client knows.
  func describe(_ status: inout MountStatus) async {
    let client = fileSystem.status
    // A site's CellServDB may list hundreds.
    let met = client.cells.filter { $0.volumeCount > 0 || $0.name == localCell?.text }
    status.cells = met.map { cell in
      MountStatus.Cell(
        name: cell.name,
        servers: cell.locationServers.map { .init(address: $0.address, role: "volume location", isUp: $0.isUp) })
    }
    status.servers = client.servers.flatMap { server in
      server.addresses.map { .init(address: $0.address, role: "file", isUp: $0.isUp) }
    }
    status.volumes = client.volumes.map { .init(cell: $0.cell, name: $0.name, id: $0.id) }
    if case .tokens(let held) = await tokens.list(user: getuid(), isOwner: true) { status.tokens = held }
    let rx = await transport.statistics()
    let usage = cache.usage
    status.counts = [
      .init("known cells", client.cells.count), .init("vnodes", client.vnodeCount),
      .init("callbacks", client.callbackCount),
      .init("open files", client.openFileCount), .init("dirty files", client.dirtyFileCount),
      .init("dirty bytes", client.unstoredBytes),
      .init("calls in flight", rx.callsInFlight), .init("calls made", rx.calls.started),
      .init("calls served", rx.calls.served), .init("calls failed", rx.calls.failed),
      .init("cache files", usage.files), .init("cache bytes", usage.diskBytes + usage.memoryBytes),
      .init("cache bytes at most", usage.sizeMax),
    ]
  }

  /// The tables of Rx.
  func describeRx(mountPoint: String) async -> JSONValue {
    let tables = await transport.tables().json
    guard case .object(let members) = tables else { return tables }
    return .object(
      [.init("mountPoint", .string(mountPoint)), .init("port", JSONValue(transport.boundPort))] + members)
  }

  // MARK: Parts

  private func onTransport<Value: Sendable>(
    _ body: @escaping @Sendable () async throws(AFSError) -> Value
  ) async throws(AFSError) -> Value {
    let task = Task(executorPreference: transport.executor) { () async -> Result<Value, AFSError> in
      do throws(AFSError) { return .success(try await body()) } catch { return .failure(error) }
    }
    return try await task.value.get()
  }

  private static func openTrace(_ settings: MountSettings) throws(Failure) -> RxPacketTrace? {
    guard let path = settings.rx.tracePath else { return nil }
    do throws(RxTransportError) {
      return try RxPacketTrace(path: path)
    } catch {
      throw Failure("--rx-trace: \(error)")
    }
  }

  static func openTransport(_ settings: MountSettings, trace: RxPacketTrace?, logger: Logger) throws(Failure)
    -> RxTransport
  {
    do throws(RxTransportError) {
      var options = RxTransportOptions(port: settings.callbackPort)
      // File servers find us at any.
      options.acceptsOtherPort = true
      options.trace = trace
      let transport = try RxTransport(options: options, configuration: settings.rx.configuration, logger: logger)
      if transport.portWasTaken {
        logger.notice("UDP port \(settings.callbackPort) is taken, using \(transport.boundPort)")
      }
      return transport
    } catch {
      throw Failure(error.description)
    }
  }

  private static func openCache(_ settings: MountSettings, logger: Logger) throws(Failure) -> DiskCache {
    let folder = settings.cacheFolder + "/data"
    do throws(Failure) {
      try Folders.make(folder)
    } catch {
      throw Failure("cache folder \(error.text) (--cache-dir names another)")
    }
    do throws(CacheError) {
      let cache = try DiskCache(directory: folder, sizeMax: settings.cacheBytes)
      if cache.limits.sizeMax < settings.cacheBytes {
        logger.notice("the disk of \(folder) has room for a cache of \(cache.limits.sizeMax >> 20) MiB only")
      }
      return cache
    } catch {
      throw Failure("cache folder \(folder): \(error) (--cache-dir names another)")
    }
  }

  /// The session's keyring, and Kerberos where that is wanted.
  private static func tokens(
    _ settings: MountSettings, _ timer: any RxTimer, _ logger: Logger
  ) -> SessionTokens {
    let name: String? =
      switch settings.automaticTokens {
      case .cache(let name)?: name ?? KerberosTokens.defaultCacheName()
      case .keytab(let name, _)?: name
      case nil: nil
      }
    return SessionTokens(
      usesKeyring: true, kerberos: settings.automaticTokens.map { KerberosTokens(source: $0) }, kerberosName: name,
      wallTime: { timer.wallTime }, log: { logger.warning("\($0)") })
  }

  private static func configuration(_ settings: MountSettings, _ cells: Cells) -> AFSClientConfiguration {
    var configuration = AFSClientConfiguration(
      localCell: cells.configuration.localCell, cells: cells.configuration.cells)
    switch settings.root {
    case .dynamic: configuration.root = .dynamic
    case .volume(let name): configuration.root = .volume(name)
    }
    configuration.isShared = settings.options.allowsOthers || settings.options.allowsRoot
    configuration.isReadOnly = settings.options.isReadOnly
    configuration.systemNames = systemNames
    configuration.ownerUID = getuid()
    configuration.ownerGID = getgid()
    configuration.interfaces = { NetworkInterfaces.current() }
    return configuration
  }

  /// Values of `@sys`.
  private static var systemNames: [String] {
    var system = utsname()
    guard uname(&system) == 0 else { return [] }
    let machine = withUnsafeBytes(of: &system.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return SystemNames.defaults(machine: machine)
  }

  private static func rootFailure(_ settings: MountSettings, _ error: AFSError) -> String {
    let cell = settings.cell.map { " of cell \($0)" } ?? ""
    guard case .volume(let name) = settings.root else { return "the root cannot be read: \(error)" }
    switch error {
    case .noSuchVolume, .notFound: return "there is no volume '\(name)'\(cell)"
    case .noSuchCell: return "no servers of cell \(settings.cell ?? "") are known: say --cell-servers"
    case .timedOut, .unreachable: return "no server of volume '\(name)'\(cell) answers"
    default: return "volume '\(name)'\(cell) cannot be read: \(error)"
    }
  }
}
