import AFSBase
package import AFSClient
import CFuse3
import Glibc
package import Logging
import Synchronization

/// A mounted file system: the connection to the kernel, the threads which receive requests, and what the kernel
/// was told of (node ids, open files).
///
/// Life: `mount` -> requests are served -> the mount ends (`unmount`, `fusermount3 -u`, umount(8), or `abort`) ->
/// `waitUntilEnded` returns -> `finish` closes what the kernel left open. Then the file system may be shut down.
///
/// A request is answered on the thread that received it when the file system can do so without waiting, else by a
/// task. Receiving threads therefore never wait for the network, and few are enough.
package final class FuseSession: Sendable {
  let fileSystem: any FileSystem
  let nodes: NodeTable
  let files = HandleTable<FileHandle>()
  let directories = HandleTable<DirectoryHandle>()
  let tasks = RequestTasks()
  /// Closes of files which are still running; nobody waits for their replies.
  let closings = Monitor(0)
  let replyBuffers: BufferPool
  let requestMemory: RequestMemoryPool
  let listingCount = Atomic(0)
  let extendedAttributeCount = Atomic(0)
  let pendingInit = InitReply.Pending()
  package let invalidation: KernelInvalidation
  package let mountPoint: MountPoint
  /// The value of `ControlAttribute`; nil: there is none.
  let controlPath: String?
  let spawn: TaskSpawner
  let logger: Logger
  package let device: Int32
  private let state = Monitor(State())

  private struct State {
    /// libfuse's session; nil after `finish`.
    var session: SessionPointer?
    var threads: [WorkerThread] = []
    var running = 0
    var initialized = false
    var waiters: [CheckedContinuation<Void, Never>] = []
    var isFinished = false
  }

  private struct SessionPointer: @unchecked Sendable {
    let raw: OpaquePointer
  }

  /// Mounts and starts serving.
  /// - Parameters:
  ///   - controlPath: where commands can ask the daemon.
  ///   - threadCount: receiving threads; nil chooses by the number of processors.
  ///   - spawn: starts the tasks that answer what cannot be answered at once.
  package static func mount(
    _ fileSystem: any FileSystem, at mountPoint: MountPoint, options: MountOptions, controlPath: String? = nil,
    threadCount: Int? = nil, logger: Logger, spawn: @escaping TaskSpawner
  ) throws(MountError) -> FuseSession {
    LibfuseLog.redirect(to: logger)
    let mount = try KernelMount.make(at: mountPoint, options: options)
    let session = FuseSession(fileSystem, mount: mount, controlPath: controlPath, logger: logger, spawn: spawn)
    do throws(MountError) {
      try session.start(arguments: options.sessionArguments, threadCount: threadCount ?? defaultThreadCount)
    } catch {
      session.abort()
      try? KernelMount.unmount(mountPoint.path, lazily: true)
      throw error
    }
    if !mount.raiseReadAhead() {
      logger.debug("read-ahead stays at the kernel's default: raising it needs root")
    }
    return session
  }

  private init(
    _ fileSystem: any FileSystem, mount: KernelMount, controlPath: String?, logger: Logger,
    spawn: @escaping TaskSpawner
  ) {
    self.fileSystem = fileSystem
    nodes = NodeTable(root: fileSystem.root)
    replyBuffers = BufferPool(capacity: Self.transferMax, keptMax: 16)
    requestMemory = RequestMemoryPool(keptMax: 16)
    invalidation = KernelInvalidation(nodes: nodes)
    mountPoint = mount.mountPoint
    self.controlPath = controlPath
    device = mount.device
    self.logger = logger
    self.spawn = spawn
    fileSystem.setInvalidationSink(invalidation)
  }

  /// READ and WRITE carry at most 256 pages (FUSE_MAX_MAX_PAGES of fs/fuse/fuse_i.h).
  static let transferMax = 1 << 20

  private static var defaultThreadCount: Int {
    min(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 2), 4)
  }

  // MARK: Start

  private func start(arguments: [String], threadCount: Int) throws(MountError) {
    guard let session = makeSession(arguments) else { throw .libfuseFailed }
    state.withLock { $0.session = SessionPointer(raw: session) }
    invalidation.start(session: session)
    for index in 0..<threadCount { startThread(index, SessionPointer(raw: session)) }
    let ready = state.wait(until: SystemClock.monotonic + .seconds(10)) {
      $0.initialized || $0.running == 0 ? $0.initialized : nil
    }
    guard ready == true else { throw .notReady }
  }

  /// - Returns: nil when libfuse fails; the device is closed then.
  private func makeSession(_ arguments: [String]) -> OpaquePointer? {
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    var operations = makeOperations()
    let session = argv.withUnsafeMutableBufferPointer { argv in
      var list = fuse_args(argc: Int32(arguments.count), argv: argv.baseAddress, allocated: 0)
      defer { fuse_opt_free_args(&list) }
      return fuse_session_new(
        &list, &operations, MemoryLayout<fuse_lowlevel_ops>.size, Unmanaged.passUnretained(self).toOpaque())
    }
    guard let session else {
      close(device)
      return nil
    }
    guard fuse_session_mount(session, "/dev/fd/\(device)") == 0 else {
      fuse_session_destroy(session)
      close(device)
      return nil
    }
    // From here on libfuse has the device, and closes it.
    var hooks = InitReply.hooks()
    guard fuse_session_custom_io(session, &hooks, device) == 0 else {
      fuse_session_destroy(session)
      return nil
    }
    return session
  }

  /// Called by libfuse when the kernel has started the session.
  func initialized(_ connection: UnsafeMutablePointer<fuse_conn_info>) {
    Capabilities.negotiate(connection)
    state.change { $0.initialized = true }
  }

  // MARK: Receiving

  private func startThread(_ index: Int, _ session: SessionPointer) {
    state.withLock { $0.running += 1 }
    let thread = WorkerThread(name: "afs-fuse-\(index)") { [self] in
      receive(session.raw)
      threadEnded()
    }
    if let thread {
      state.withLock { $0.threads.append(thread) }
    } else {
      threadEnded()
    }
  }

  private func receive(_ session: OpaquePointer) {
    let context = ThreadContext(reply: replyBuffers.take())
    context.withCurrent {
      while fuse_session_exited(session) == 0 {
        let count = fuse_session_receive_buf(session, &context.request)
        if count == -EINTR || count == -EAGAIN { continue }
        guard count > 0 else { return noteEnd(count) }
        fuse_session_process_buf(session, &context.request)
        context.renew(from: requestMemory)
      }
    }
    free(context.request.mem)
    replyBuffers.give(context.reply)
  }

  /// - Parameter result: of the last attempt to receive; 0 when the mount has ended.
  private func noteEnd(_ result: Int32) {
    // ECONNABORTED: somebody wrote to the connection's `abort` in /sys/fs/fuse/connections.
    guard result < 0, result != -ECONNABORTED else { return }
    logger.error(
      "receiving requests of the kernel failed: one thread fewer serves the mount",
      metadata: ["error": "\(String(cString: strerror(-result)))"])
  }

  private func threadEnded() {
    let waiters = state.change { state -> [CheckedContinuation<Void, Never>] in
      state.running -= 1
      guard state.running == 0 else { return [] }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  // MARK: End

  /// Ends the mount; requests in flight are served first.
  /// - Parameter lazily: detaches it even when it is in use; it ends when the last user is gone, or by `abort`.
  package func unmount(lazily: Bool) throws(MountError) {
    try KernelMount.unmount(mountPoint.path, lazily: lazily)
  }

  /// Ends the connection now: whoever still uses the mount gets ENOTCONN.
  package func abort() {
    guard let session = state.withLock({ $0.session }) else { return }
    fuse_session_exit(session.raw)
    while true {
      let threads = state.withLock { $0.running > 0 ? $0.threads : [] }
      if threads.isEmpty { break }
      for thread in threads { thread.interrupt() }
      let ended: Void? = state.wait(until: SystemClock.monotonic + .milliseconds(10)) { $0.running == 0 ? () : nil }
      if ended != nil { break }
    }
  }

  /// Returns when the mount has ended, by whatever cause.
  package func waitUntilEnded() async {
    await withCheckedContinuation { continuation in
      let ended = state.withLock { state in
        if state.running > 0 { state.waiters.append(continuation) }
        return state.running == 0
      }
      if ended { continuation.resume() }
    }
  }

  /// After the end: ends what still runs, closes what the kernel left open (it drops its last RELEASEs), and frees
  /// libfuse's session.
  ///
  /// Files are closed side by side, and what is not stored when `limit` ends goes on: one silent server must not keep the
  /// others' data waiting. Whoever owns the file system shuts it down next, with a limit of its own for all stores.
  /// Does so once: the device's number may be another file's afterwards. Who calls it again does not wait for the
  /// first.
  /// - Parameter limit: for the tasks of requests that nobody waits for any more, and the closing of files.
  package func finish(within limit: Duration = .seconds(30)) async {
    let wasFinished = state.withLock { state in
      defer { state.isFinished = true }
      return state.isFinished
    }
    if wasFinished { return }
    disconnect()
    tasks.cancelAll()
    let deadline = SystemClock.monotonic + limit
    let idle = await offThread { [self] in tasks.waitUntilIdle(until: deadline) }
    for handle in files.removeAll() { startClosing(handle) }
    _ = directories.removeAll()
    let closed = await offThread { [self] in closings.wait(until: deadline) { $0 == 0 ? true : nil } ?? false }
    let (session, threads) = state.withLock { state in
      defer { (state.session, state.threads) = (nil, []) }
      return (state.session, state.threads)
    }
    await offThread { [self] in
      for thread in threads { thread.join() }
      invalidation.stop()
    }
    if !idle { logger.warning("requests still run after the mount's end", metadata: ["count": "\(tasks.count)"]) }
    if !closed { logger.notice("files are still being stored after the mount's end") }
    // A task that still runs would answer through libfuse's session: it is leaked then.
    if let session, idle { fuse_session_destroy(session.raw) }
  }

  /// Closes /dev/fuse but keeps its number taken: the kernel ends the connection, late replies go nowhere.
  private func disconnect() {
    let null = Glibc.open("/dev/null", O_RDWR | O_CLOEXEC)
    guard null >= 0 else { return }
    dup2(null, device)
    _ = fcntl(device, F_SETFD, FD_CLOEXEC)
    close(null)
  }

  /// Runs something that blocks on a thread of its own.
  private func offThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      let thread = WorkerThread(name: "afs-fuse-end") { continuation.resume(returning: body()) }
      if thread == nil { continuation.resume(returning: body()) }
    }
  }

  // MARK: Figures

  package var statistics: Statistics {
    Statistics(
      nodes: nodes.count, names: nodes.nameCount, openFiles: files.count, openDirectories: directories.count,
      waitingRequests: tasks.count)
  }

  /// Requests of some kinds so far, for tests and tuning.
  package var requestCounts: RequestCounts {
    RequestCounts(
      listings: listingCount.load(ordering: .relaxed),
      extendedAttributes: extendedAttributeCount.load(ordering: .relaxed))
  }

  package struct RequestCounts: Hashable, Sendable {
    /// READDIR and READDIRPLUS.
    package var listings: Int
    /// GETXATTR.
    package var extendedAttributes: Int
  }

  package struct Statistics: Hashable, Sendable {
    /// Nodes that the kernel holds.
    package var nodes: Int
    /// Names which the kernel may hold with a validity.
    package var names: Int
    package var openFiles: Int
    package var openDirectories: Int
    /// Requests which a task answers.
    package var waitingRequests: Int
  }

  // MARK: From C

  static func of(_ request: OpaquePointer) -> FuseSession {
    guard let pointer = fuse_req_userdata(request) else { preconditionFailure("a request without a session") }
    return of(userData: pointer)
  }

  static func of(userData: UnsafeMutableRawPointer) -> FuseSession {
    Unmanaged<FuseSession>.fromOpaque(userData).takeUnretainedValue()
  }
}
