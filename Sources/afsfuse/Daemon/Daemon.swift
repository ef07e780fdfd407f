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
  let readiness: Readiness
  private let events: AsyncStream<DaemonEvent>
  private let inbox: AsyncStream<DaemonEvent>.Continuation

  /// - Returns: the exit status.
  static func main(_ arguments: MountArguments, _ options: MountOptions, readiness: Readiness) -> Int32 {
    ProcessProtection.apply()
    EndingSignals.block()
    do throws(Failure) {
      // Paths are relative to the folder where the command was given.
      let settings = try arguments.settings(options)
      let sink = try logSink(arguments)
      let level = arguments.logLevel
      let logger = Logger(label: "afsfuse") { LineLogHandler(label: $0, sink: sink, logLevel: level) }
      chdir("/")
      return Daemon(settings: settings, logger: logger, readiness: readiness).run()
    } catch {
      readiness.failed(error.text)
      return 1
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
    // Said on the terminal of the mount command, which is ours until the mount is ready.
    printError("afsfuse: note: there is no system log (/dev/log), messages are lost: --log-file FILE keeps them")
    return NoLogSink()
  }

  private init(settings: MountSettings, logger: Logger, readiness: Readiness) {
    self.settings = settings
    self.logger = logger
    self.readiness = readiness
    (events, inbox) = AsyncStream.makeStream()
  }

  /// The main thread only waits.
  private func run() -> Int32 {
    let status = Monitor<Int32?>(nil)
    EndingSignals.watch { [inbox] number in inbox.yield(.signal(number)) }
    Task {
      let code = await serve()
      status.change { $0 = code }
    }
    return status.wait(until: .distantFuture) { $0 } ?? 1
  }

  private func serve() async -> Int32 {
    let client: MountedClient
    do throws(Failure) {
      client = try await MountedClient.start(settings, logger: logger)
    } catch {
      readiness.failed(error.text)
      return 1
    }
    do throws(Failure) {
      let (session, control) = try mount(client)
      guard readiness.ready() else {
        logger.notice("the command that started this mount is gone: ending")
        try? session.unmount(lazily: true)
        return await end(session, control, client, replies: [])
      }
      logger.notice(
        "mounted", metadata: ["at": "\(settings.mountPoint.path)", "callbackPort": "\(client.callbackPort)"])
      return await waitForEnd(session, control, client)
    } catch {
      readiness.failed(error.text)
      await client.shutDownQuietly()
      return 1
    }
  }

  private func mount(_ client: MountedClient) throws(Failure) -> (FuseSession, ControlServer) {
    let session: FuseSession
    do throws(MountError) {
      session = try FuseSession.mount(
        client.fileSystem, at: settings.mountPoint, options: settings.options, logger: logger, spawn: client.spawn)
    } catch {
      throw Failure(error.description)
    }
    let started = Clock.now
    do throws(ControlError) {
      let control = try ControlServer(
        mountPoint: settings.mountPoint.path, folder: .own,
        isShared: settings.options.allowsOthers || settings.options.allowsRoot, logger: logger,
        spawn: { body in Task { await body() } },
        handler: { [inbox] request, user in
          switch request {
          case .status:
            return .status(await status(client, session, started: started))
          case .rx:
            return .rx(await client.describeRx(mountPoint: settings.mountPoint.path))
          case .unmount(let lazily):
            return await withCheckedContinuation { inbox.yield(.unmount(lazily: lazily, $0)) }
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
    var isEnding = false
    for await event in events {
      switch event {
      case .ended:
        return await end(session, control, client, replies: replies)
      case .signal(let number):
        // Impatience: whoever asks twice does not want to wait for servers.
        if isEnding { _exit(1) }
        isEnding = true
        logger.notice("ending", metadata: ["signal": "\(number)"])
        endNow(session)
      case .unmount(let lazily, let reply):
        if !lazily, let waiting = obstacle(to: client) {
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
    return 0
  }

  /// Why the mount should not end yet: what its users can still do something about.
  private func obstacle(to client: MountedClient) -> String? {
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

  private func end(
    _ session: FuseSession, _ control: ControlServer, _ client: MountedClient,
    replies: [CheckedContinuation<ControlReply, Never>]
  ) async -> Int32 {
    ServiceNotification.send("STOPPING=1")
    await session.finish()
    var outcome = ControlReply.done
    do throws(AFSError) {
      try await client.shutDown()
    } catch {
      logger.error("not everything could be stored", metadata: ["error": "\(error)"])
      outcome = .failed(
        "the mount has ended, but not everything could be stored (\(error)): copies are in \(unstoredFolder)")
    }
    control.stop()
    for reply in replies { reply.resume(returning: outcome) }
    control.waitUntilServed(until: Clock.now + .seconds(5))
    logger.notice("ended")
    return outcome == .done ? 0 : 1
  }

  private func status(_ client: MountedClient, _ session: FuseSession, started: MonotonicTime) async -> MountStatus {
    var status = MountStatus(
      mountPoint: settings.mountPoint.path, processID: getpid(), isReadOnly: settings.options.isReadOnly,
      uptime: (Clock.now - started).components.seconds, callbackPort: client.callbackPort)
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
