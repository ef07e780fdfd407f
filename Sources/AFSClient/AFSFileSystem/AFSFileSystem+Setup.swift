import AFSBase
package import AFSCache
package import AFSCredentials
package import Logging
package import RxCore
package import RxTransport
package import RxSecurity
package import SystemPackage

extension AFSFileSystem {
  /// What the client needs from its process.
  package struct Surroundings: Sendable {
    package var caller: any RxCaller
    package var timer: any RxTimer
    package var log: Logger
    package var cache: DiskCache
    /// Finds cells that are not configured; nil to know only configured ones.
    package var resolver: (any CellResolver)?
    /// Where the host's UUID, the names of files removed while open, and copies of what could not be stored are kept.
    package var stateDirectory: FilePath
    /// For everything that is drawn by lot.
    package var seed: UInt64
    /// Starts a task on the executor that `caller`'s calls run on.
    package var spawn: FileContentsContext.Spawner
    /// Where the tokens of the mount's owner come from; nil: nowhere.
    package var tokens: (any TokenProvider)?
    /// Where the security of `caller`'s calls is made known; nil: all are anonymous.
    package var registry: (any RxSecurityRegistry)?
    /// What `caller`'s calls have come to.
    package var operations: @Sendable () async -> [RxOperation: RxOperationCounts] = { [:] }
    /// Of calls with a token.
    package var level = RxkadLevel.crypt

    package init(
      caller: any RxCaller, timer: any RxTimer, log: Logger, cache: DiskCache, resolver: (any CellResolver)?,
      stateDirectory: FilePath, seed: UInt64, spawn: @escaping FileContentsContext.Spawner
    ) {
      self.caller = caller
      self.timer = timer
      self.log = log
      self.cache = cache
      self.resolver = resolver
      self.stateDirectory = stateDirectory
      self.seed = seed
      self.spawn = spawn
    }
  }

  /// A client which has contacted nobody yet. The owner registers `callbackService` at the endpoint that `caller`
  /// calls from, and runs `run()` in a task.
  package convenience init(configuration: AFSClientConfiguration, in surroundings: Surroundings) {
    var generator = SeededGenerator(seed: surroundings.seed)
    let uuid = HostIdentity.load(in: surroundings.stateDirectory, using: &generator, log: surroundings.log)
    let context = ClientContext(
      configuration: configuration, caller: surroundings.caller, timer: surroundings.timer, log: surroundings.log,
      cache: surroundings.cache, resolver: surroundings.resolver, uuid: uuid, seed: generator.next(),
      hiddenNames: HiddenNames(in: surroundings.stateDirectory, log: surroundings.log),
      operations: surroundings.operations,
      unstoredCopies: UnstoredCopies(in: surroundings.stateDirectory),
      credentials: CredentialTable(
        provider: surroundings.tokens, registry: surroundings.registry, level: surroundings.level,
        spawn: surroundings.spawn))
    self.init(context: context, spawn: surroundings.spawn)
  }

  /// What fileservers call at our port.
  package var callbackService: any RxService { CallbackService(context: context).service }

  /// Looks at the root: so that a wrong cell or volume fails the mount, not its first user.
  package func checkRoot() async throws(AFSError) {
    _ = try await attributes(of: rootNode, as: .daemon)
  }
}
