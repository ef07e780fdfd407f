import AFSBase
import AFSClient
import CFuse3
import Glibc

/// How requests are answered, at once or by a task, and what is undone when nobody takes the answer.
extension FuseSession {
  func answer(_ request: consuming FuseRequest, _ reply: FuseReply) {
    let code = request.answer(reply)
    finish(reply, taken: code == 0)
  }

  /// Starts a task which answers; FUSE_INTERRUPT cancels it.
  func answerLater(_ request: consuming FuseRequest, _ body: @escaping @Sendable () async -> FuseReply) {
    let id = tasks.reserve()
    let deferred = request.deferred(interruptID: id)
    let task = spawn { [self] in
      let reply = await body()
      let code = deferred.answer(reply)
      finish(reply, taken: code == 0)
      tasks.finish(id)
    }
    tasks.attach(task, to: id)
  }

  /// Gives buffers back; takes back the references and handles of a reply that the kernel did not take.
  private func finish(_ reply: FuseReply, taken: Bool) {
    switch reply {
    case .buffer(let buffer, _):
      replyBuffers.give(buffer)
    case .listing(let buffer, _, let references):
      replyBuffers.give(buffer)
      if !taken { for id in references { forget(id, count: 1) } }
    case .entry(let parameters):
      if !taken, parameters.ino != 0 { forget(parameters.ino, count: 1) }
    case .opened(let file, let isDirectory):
      if !taken { isDirectory ? closeDirectory(file.fh) : closeFile(file.fh) }
    case .created(let parameters, let file):
      if !taken {
        forget(parameters.ino, count: 1)
        closeFile(file.fh)
      }
    case .error, .attributes, .text, .written, .bytes, .statistics, .attributeSize, .lock:
      break
    }
  }

  func forget(_ id: UInt64, count: UInt64) {
    if let node = nodes.dereference(id, count: count) { fileSystem.forget(node) }
  }

  /// Closes in the background: nobody waits for the end of a RELEASE.
  func closeFile(_ id: UInt64) {
    guard let handle = files.remove(id) else { return }
    startClosing(handle)
  }

  func startClosing(_ handle: FileHandle) {
    for owner in handle.lockOwners { handle.file.unlockSoon(.record, owner: owner) }
    closings.withLock { $0 += 1 }
    _ = spawn { [self] in
      await handle.file.close()
      closings.change { $0 -= 1 }
    }
  }

  func closeDirectory(_ id: UInt64) {
    _ = directories.remove(id)
  }

  // MARK: Making replies

  /// A name's answer. The kernel gets a reference to the node; facts which may have changed since `mark` was taken
  /// go without validity.
  ///
  /// The order matters: what the kernel is about to know is noted first, then the mark is compared. An invalidation
  /// that comes later finds the note.
  func parameters(
    _ entry: NodeEntry, name: borrowing [UInt8], in directory: UInt64, since mark: UInt64
  ) -> fuse_entry_param {
    var parameters = fuse_entry_param()
    parameters.ino = nodes.reference(entry.node)
    parameters.generation = 1
    parameters.attr = stat(entry.attributes)
    var remembered = false
    if entry.entryValidity > .zero {
      remembered = name.withUnsafeBytes { nodes.remember($0, in: directory, now: SystemClock.monotonic) }
    }
    guard invalidation.mark == mark else { return parameters }
    if remembered { parameters.entry_timeout = entry.entryValidity.fuseSeconds }
    parameters.attr_timeout = entry.attributeValidity.fuseSeconds
    return parameters
  }

  /// The answer for a name that does not exist.
  func absent(_ name: borrowing [UInt8], in directory: UInt64, validity: Duration, since mark: UInt64) -> FuseReply {
    guard validity > .zero,
      name.withUnsafeBytes({ nodes.remember($0, in: directory, now: SystemClock.monotonic) }), invalidation.mark == mark
    else { return .error(ENOENT) }
    var parameters = fuse_entry_param()
    parameters.entry_timeout = validity.fuseSeconds
    return .entry(parameters)
  }

  func attributes(_ known: NodeAttributes, since mark: UInt64) -> FuseReply {
    .attributes(
      stat(known.attributes), validity: invalidation.mark == mark ? known.validity.fuseSeconds : 0)
  }

  // MARK: One file, several nodes

  /// The kernel knows of a change through the node that it was made through; other nodes of the same file must be
  /// told.
  func changed(_ id: UInt64, contents: Bool) {
    for alias in nodes.aliases(of: id) { invalidation.invalidateNode(alias, contents: contents) }
  }

  func changed(_ name: [UInt8], in directory: UInt64) {
    for alias in nodes.aliases(of: directory) { invalidation.invalidateName(name, in: alias) }
  }
}

extension stat {
  init(_ attributes: Attributes) {
    self.init()
    st_ino = UInt(attributes.fileID)
    st_mode = attributes.kind.fileType | mode_t(attributes.permissions & 0o7777)
    st_nlink = UInt(attributes.linkCount)
    st_uid = attributes.uid
    st_gid = attributes.gid
    st_size = Int(clamping: attributes.size)
    st_blocks = Int(clamping: attributes.size / 512 + (attributes.size % 512 == 0 ? 0 : 1))
    // What stdio makes its buffers of: each write of a buffer is a request.
    st_blksize = 65536
    st_mtim = timespec(attributes.modified)
    st_atim = st_mtim
    st_ctim = timespec(attributes.statusChanged)
  }
}

extension Attributes.Kind {
  var fileType: mode_t {
    switch self {
    case .file: S_IFREG
    case .directory: S_IFDIR
    case .symbolicLink: S_IFLNK
    }
  }
}
