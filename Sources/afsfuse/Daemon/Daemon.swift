import AFSBase
import AFSClient
import AFSControl
import AFSFuse
import Glibc
import Logging

/// The process behind a mount.
///
/// Order of the start: settings, log, client (which looks at the root), mount, control socket, "ready". Order of the
/// end: mount, open files, client (which stores what is dirty and gives up callbacks), replies, exit.
struct Daemon: Sendable {
  let settings: MountSettings
  let logger: Logger
  /// The log goes nowhere.
  private let isMute: Bool
  let readiness: Readiness
  private let events: AsyncStream<DaemonEvent>
  private let inbox: AsyncStream<DaemonEvent>.Continuation
  private let course = Monitor(EndingCourse())

  /// - Returns: the exit status.
  static func main(_ arguments: MountArguments, _ options: MountOptions, readiness: Readiness) -> Int32 {
    ProcessProtection.apply()
    EndingSignals.block()
    do throws(Failure) {
      // Paths are relative to the folder where the command was given.
      let settings = try arguments.settings(options)
      do throws(ControlError) { try RuntimeFolder.makeOwn() } catch { throw Failure(error.description) }
      let sink = try logSink(arguments)
      let level = arguments.logLevel
      let logger = Logger(label: "afsfuse") { LineLogHandler(label: $0, sink: sink, logLevel: level) }
      chdir("/")
      return Daemon(settings: settings, logger: logger, isMute: sink is NoLogSink, readiness: readiness).run()
    } catch {
      return readiness.failed(error)
    }
  }

  private static func logSink(_ arguments: MountArguments) throws(Failure) -> any LogSink {
    if let path = arguments.logFile {
      do throws(Failure) {
        return try DescriptorLogSink(path: MountArguments.absolute(path))
      } catch {
        throw Failure("log file \(error.text) (--log-file)")
      }
    }
    if arguments.foreground { return DescriptorLogSink(descriptor: STDERR_FILENO) }
    if let sink = SystemLogSink() { return sink }
    return NoLogSink()
  }

  private init(settings: MountSettings, logger: Logger, isMute: Bool, readiness: Readiness) {
    self.settings = settings
    self.logger = logger
    self.isMute = isMute
    self.readiness = readiness
    (events, inbox) = AsyncStream.makeStream()
  }

  /// The main thread only waits.
  private func run() -> Int32 {
    let status = Monitor<Int32?>(nil)
    EndingSignals.watch { number in heard(number) }
    Task {
      let code = await serve()
      status.change { $0 = code }
    }
    return status.wait(until: .distantFuture) { $0 } ?? 1
  }

  /// On the thread that waits for signals.
  private func heard(_ number: Int32) {
    switch course.change({ $0.signal() }) {
    case .end: inbox.yield(.signal(number))
    case .giveUp:
      readiness.failed(Failure("ended by signal \(number) before the mount was ready"))
      _exit(1)
    // Without a word: a log that cannot be written, or is being written, would make this wait.
    case .exitAtOnce: _exit(1)
    }
  }

  private func serve() async -> Int32 {
    let client: MountedClient
    do throws(Failure) {
      client = try await MountedClient.start(settings, logger: logger)
    } catch {
      return readiness.failed(error)
    }
    do throws(Failure) {
      course.change { $0.mounts() }
      let (session, control) = try mount(client)
      if isMute {
        // On the terminal of the mount command, which is ours until the mount is ready.
        printError("afsfuse: note: there is no system log (/dev/log), messages are lost: --log-file FILE keeps them")
      }
      if readiness.ready() {
        logger.notice(
          "mounted", metadata: ["at": "\(settings.mountPoint.path)", "callbackPort": "\(client.callbackPort)"])
      } else {
        logger.notice("the command that started this mount is gone: ending")
        try? session.unmount(lazily: true)
      }
      return await waitForEnd(session, control, client)
    } catch {
      let status = readiness.failed(error)
      await client.shutDownQuietly()
      return status
    }
  }

  private func mount(_ client: MountedClient) throws(Failure) -> (FuseSession, ControlServer) {
    let session: FuseSession
    let folder = RuntimeFolder.own
    do throws(MountError) {
      session = try FuseSession.mount(
        client.fileSystem, at: settings.mountPoint, options: settings.options,
        controlPath: folder.socket(mountPoint: settings.mountPoint.path).path, logger: logger, spawn: client.spawn)
    } catch {
      throw Failure(error.description)
    }
    let started = SystemClock.monotonic
    do throws(ControlError) {
      let control = try ControlServer(
        mountPoint: settings.mountPoint.path, folder: folder,
        isShared: settings.options.allowsOthers || settings.options.allowsRoot, logger: logger,
        spawn: { body in Task { await body() } },
        handler: { [inbox] request, user in
          switch request {
          case .status:
            return .status(await status(client, session, started: started))
          case .rx:
            return .rx(await client.describeRx(mountPoint: settings.mountPoint.path))
          case .unmount(let lazily):
            return await withCheckedContinuation { continuation in
              if case .terminated = inbox.yield(.unmount(lazily: lazily, continuation)) {
                continuation.resume(returning: .failed("the mount has just ended"))
              }
            }
          case .tokens: return await client.tokens.list(user: user, isOwner: user == geteuid() || user == 0)
          case .setToken(let cell, let payload):
            return await client.tokens.set(cell: cell, payload: payload, user: user)
          case .removeTokens(let cell): return await client.tokens.remove(cell: cell, user: user)
          }
        })
      return (session, control)
    } catch {
      try? session.unmount(lazily: true)
      session.abort()
      throw Failure(error.description)
    }
  }

  // MARK: The end

  private func waitForEnd(_ session: FuseSession, _ control: ControlServer, _ client: MountedClient) async -> Int32 {
    Task { [inbox] in
      await session.waitUntilEnded()
      inbox.yield(.ended)
    }
    var replies: [CheckedContinuation<ControlReply, Never>] = []
    var isStoring = false
    var outcome = ControlReply.done
    // Until all is stored: who asks meanwhile is answered then.
    for await event in events {
      switch event {
      case .ended:
        isStoring = true
        Task { [inbox] in inbox.yield(.stored(await store(session, client))) }
      case .stored(let reply):
        outcome = reply
        // The loop goes on through what has come already.
        inbox.finish()
      case .signal(let number) where isStoring:
        logger.notice(
          "the mount has ended, and what is not stored is being stored: another signal ends that at once",
          metadata: ["signal": "\(number)"])
      case .signal(let number):
        logger.notice("ending", metadata: ["signal": "\(number)"])
        endNow(session)
      case .unmount(let lazily, let reply) where isStoring:
        if lazily { reply.resume(returning: .done) } else { replies.append(reply) }
      case .unmount(let lazily, let reply):
        if !lazily, let waiting = await obstacle(to: client) {
          reply.resume(returning: .failed(waiting))
          continue
        }
        do throws(MountError) {
          try session.unmount(lazily: lazily)
          // A detached mount lives until its last user goes: the command need not wait for that.
          if lazily { reply.resume(returning: .done) } else { replies.append(reply) }
        } catch {
          reply.resume(returning: .failed(error.description))
        }
      }
    }
    return end(control, replies: replies, outcome)
  }

  /// Why the mount should not end yet: what its users can still do something about.
  private func obstacle(to client: MountedClient) async -> String? {
    if client.fileSystem.cellsAwaitingTokens.isEmpty { return nil }
    // Who has just got a ticket need not wait until that is noticed.
    await client.lookForTokens()
    guard let cell = client.fileSystem.cellsAwaitingTokens.first else { return nil }
    return "changes wait for a token for cell \(cell): run kinit, or afsfuse aklog, and try again; "
      + "with --lazy the mount ends, and copies are kept in \(unstoredFolder)"
  }

  private var unstoredFolder: String { "\(settings.cacheFolder)/\(UnstoredCopies.folderName)" }

  /// Ends the mount even when it is in use: its users then get ENOTCONN.
  private func endNow(_ session: FuseSession) {
    do throws(MountError) {
      try session.unmount(lazily: false)
    } catch {
      logger.warning("\(error)")
      try? session.unmount(lazily: true)
      session.abort()
    }
  }

  /// The mount has ended: its open files, and what is dirty.
  private func store(_ session: FuseSession, _ client: MountedClient) async -> ControlReply {
    ServiceNotification.send("STOPPING=1")
    await session.finish()
    do throws(AFSError) {
      try await client.shutDown()
      return .done
    } catch {
      logger.error("not everything could be stored", metadata: ["error": "\(error)"])
      return .failed(
        "the mount has ended, but not everything could be stored (\(error)): copies are in \(unstoredFolder)")
    }
  }

  private func end(
    _ control: ControlServer, replies: [CheckedContinuation<ControlReply, Never>], _ outcome: ControlReply
  ) -> Int32 {
    control.stop()
    for reply in replies { reply.resume(returning: outcome) }
    control.waitUntilServed(until: SystemClock.monotonic + .seconds(5))
    logger.notice("ended")
    return outcome == .done ? 0 : 1
  }

  private func status(_ client: MountedClient, _ session: FuseSession, started: MonotonicTime) async -> MountStatus {
    var status = MountStatus(
      mountPoint: settings.mountPoint.path, processID: getpid(), isReadOnly: settings.options.isReadOnly,
      uptime: (SystemClock.monotonic - started).components.seconds, callbackPort: client.callbackPort)
    await client.describe(&status)
    let kernel = session.statistics
    status.counts += [
      .init("kernel nodes", kernel.nodes), .init("kernel names", kernel.names),
      .init("open descriptors", kernel.openFiles), .init("open directories", kernel.openDirectories),
      .init("waiting requests", kernel.waitingRequests),
    ]
    return status
  }
}
