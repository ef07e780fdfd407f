import CFuse3
import Glibc

/// libfuse's table of operations. The functions run on receiving threads.
///
/// In a function of its own, outside any actor: a closure written at top level would be taken for one of the main
/// actor, and trap on the first request.
///
/// Not in the table, and so answered ENOSYS by libfuse once, after which the kernel acts by itself: lseek (SEEK_DATA and SEEK_HOLE by the size), copy_file_range (copies through the page
/// cache), fallocate (EOPNOTSUPP), ioctl (ENOTTY), poll, bmap.
nonisolated func makeOperations() -> fuse_lowlevel_ops {
  var table = fuse_lowlevel_ops()
  table.`init` = { userData, connection in
    guard let userData, let connection else { return }
    FuseSession.of(userData: userData).initialized(connection)
  }
  addNameOperations(&table)
  addAttributeOperations(&table)
  addFileOperations(&table)
  addDirectoryOperations(&table)
  addLockOperations(&table)
  return table
}

/// Calls a handler with its request: the one way from a C callback to a `FuseRequest`.
private func handle(
  _ raw: OpaquePointer?, _ body: (_ session: FuseSession, _ request: consuming FuseRequest) -> Void
) {
  guard let raw else { return }
  body(FuseSession.of(raw), FuseRequest(raw))
}

private nonisolated func addNameOperations(_ table: inout fuse_lowlevel_ops) {
  table.lookup = { raw, parent, name in
    guard let name else { return }
    handle(raw) { $0.lookup($1, parent, bytes(name)) }
  }
  table.forget = { raw, id, count in
    handle(raw) { session, request in
      session.forget(id, count: count)
      request.answerNothing()
    }
  }
  table.forget_multi = { raw, count, entries in
    handle(raw) { session, request in
      for entry in UnsafeBufferPointer(start: entries, count: count) { session.forget(entry.ino, count: entry.nlookup) }
      request.answerNothing()
    }
  }
  table.mknod = { raw, parent, name, mode, _ in
    guard let name else { return }
    handle(raw) { $0.makeFile($1, parent, bytes(name), mode: mode) }
  }
  table.mkdir = { raw, parent, name, mode in
    guard let name else { return }
    handle(raw) { $0.makeDirectory($1, parent, bytes(name), mode: mode) }
  }
  table.symlink = { raw, target, parent, name in
    guard let name, let target else { return }
    handle(raw) { $0.makeSymbolicLink($1, parent, bytes(name), target: bytes(target)) }
  }
  table.link = { raw, id, parent, name in
    guard let name else { return }
    handle(raw) { $0.makeLink($1, parent, bytes(name), to: id) }
  }
  table.unlink = { raw, parent, name in
    guard let name else { return }
    handle(raw) { $0.removeFile($1, parent, bytes(name)) }
  }
  table.rmdir = { raw, parent, name in
    guard let name else { return }
    handle(raw) { $0.removeDirectory($1, parent, bytes(name)) }
  }
  table.rename = { raw, parent, name, newParent, newName, flags in
    guard let name, let newName else { return }
    handle(raw) { $0.rename($1, parent, bytes(name), to: newParent, bytes(newName), flags: flags) }
  }
}

private nonisolated func addAttributeOperations(_ table: inout fuse_lowlevel_ops) {
  table.getattr = { raw, id, _ in handle(raw) { $0.getAttributes($1, id) } }
  table.setattr = { raw, id, status, valid, file in
    guard let status else { return }
    handle(raw) { $0.setAttributes($1, id, status.pointee, valid: valid, handle: file?.pointee.fh) }
  }
  table.readlink = { raw, id in handle(raw) { $0.readSymbolicLink($1, id) } }
  table.access = { raw, id, mask in handle(raw) { $0.checkAccess($1, id, mask: mask) } }
  table.statfs = { raw, id in handle(raw) { $0.statistics($1, id) } }
  table.getxattr = { raw, id, name, size in
    guard let name else { return }
    handle(raw) { $0.getExtendedAttribute($1, id, String(cString: name), size: size) }
  }
  table.setxattr = { raw, id, name, value, size, flags in
    guard let name else { return }
    let bytes = [UInt8](UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : size))
    handle(raw) { $0.setExtendedAttribute($1, id, String(cString: name), to: bytes, flags: flags) }
  }
  table.listxattr = { raw, id, size in handle(raw) { $0.listExtendedAttributes($1, id, size: size) } }
  table.removexattr = { raw, id, name in
    guard let name else { return }
    handle(raw) { $0.removeExtendedAttribute($1, id, String(cString: name)) }
  }
}

private nonisolated func addFileOperations(_ table: inout fuse_lowlevel_ops) {
  table.create = { raw, parent, name, mode, file in
    guard let name, let file else { return }
    handle(raw) { $0.create($1, parent, bytes(name), mode: mode, file.pointee) }
  }
  table.open = { raw, id, file in
    guard let file else { return }
    handle(raw) { $0.open($1, id, file.pointee) }
  }
  table.read = { raw, _, size, offset, file in
    guard let file else { return }
    handle(raw) { $0.read($1, file.pointee.fh, size: size, offset: UInt64(offset)) }
  }
  table.write = { raw, id, data, size, offset, file in
    guard let file, let data else { return }
    let isPageWrite = file.pointee.writepage != 0
    handle(raw) {
      $0.write(
        $1, id, file.pointee.fh, UnsafeRawBufferPointer(start: data, count: size), offset: UInt64(offset),
        isPageWrite: isPageWrite)
    }
  }
  table.flush = { raw, _, file in
    guard let file else { return }
    handle(raw) { $0.flush($1, file.pointee.fh, lockOwner: file.pointee.lock_owner) }
  }
  table.fsync = { raw, _, _, file in
    guard let file else { return }
    handle(raw) { $0.synchronize($1, file.pointee.fh) }
  }
  table.release = { raw, _, file in
    guard let file else { return }
    handle(raw) { session, request in
      if file.pointee.flock_release != 0 { session.unlockSoon(file.pointee.fh, owner: file.pointee.lock_owner) }
      session.closeFile(file.pointee.fh)
      request.fail(0)
    }
  }
}

private nonisolated func addLockOperations(_ table: inout fuse_lowlevel_ops) {
  table.getlk = { raw, _, file, lock in
    guard let file, let lock else { return }
    handle(raw) { $0.testLock($1, file.pointee.fh, owner: file.pointee.lock_owner, lock.pointee) }
  }
  table.setlk = { raw, _, file, lock, sleep in
    guard let file, let lock else { return }
    handle(raw) { $0.setLock($1, file.pointee.fh, owner: file.pointee.lock_owner, lock.pointee, waits: sleep != 0) }
  }
  table.flock = { raw, _, file, operation in
    guard let file else { return }
    handle(raw) { $0.lockFile($1, file.pointee.fh, owner: file.pointee.lock_owner, operation: operation) }
  }
}

private nonisolated func addDirectoryOperations(_ table: inout fuse_lowlevel_ops) {
  table.opendir = { raw, id, file in
    guard let file else { return }
    handle(raw) { $0.openDirectory($1, id, file.pointee) }
  }
  table.readdir = { raw, _, size, offset, file in
    guard let file else { return }
    handle(raw) { $0.readDirectory($1, file.pointee.fh, size: size, offset: Int(offset), withAttributes: false) }
  }
  table.readdirplus = { raw, _, size, offset, file in
    guard let file else { return }
    handle(raw) { $0.readDirectory($1, file.pointee.fh, size: size, offset: Int(offset), withAttributes: true) }
  }
  table.releasedir = { raw, _, file in
    guard let file else { return }
    handle(raw) { session, request in
      session.closeDirectory(file.pointee.fh)
      request.fail(0)
    }
  }
  // Every change of a directory is on the server when its call returns.
  table.fsyncdir = { raw, _, _, _ in handle(raw) { $1.fail(0) } }
}
