import AFSClient
import AFSCredentials
import CFuse3
import Glibc

/// Operations on the contents of files.
extension FuseSession {
  func create(
    _ request: consuming FuseRequest, _ parent: UInt64, _ name: [UInt8], mode: mode_t, _ file: fuse_file_info
  ) {
    guard let directory = nodes[parent] else { return request.fail(ESTALE) }
    let identity = request.identity
    let access = OpenAccess(flags: file.flags)
    answerLater(request) { [self] in
      let mark = invalidation.mark
      do throws(AFSError) {
        let (entry, opened) = try await fileSystem.create(
          name, in: directory, permissions: UInt16(mode & 0o7777), exclusive: file.flags & O_EXCL != 0,
          access: access, as: identity)
        changed(name, in: parent)
        let parameters = parameters(entry, name: name, in: parent, since: mark)
        return .created(parameters, handle(opened, parameters.ino, access, file))
      } catch {
        return .error(error.errno)
      }
    }
  }

  func open(_ request: consuming FuseRequest, _ id: UInt64, _ file: fuse_file_info) {
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    let access = OpenAccess(flags: file.flags)
    switch fileSystem.cachedOpen(node, access: access, as: identity) {
    case .success(let opened):
      if access.truncates { changed(id, contents: true) }
      answer(request, .opened(handle(opened, id, access, file), isDirectory: false))
    case .failure(let error): request.fail(error.errno)
    case nil:
      answerLater(request) { [self] in
        do throws(AFSError) {
          let opened = try await fileSystem.open(node, access: access, as: identity)
          if access.truncates { changed(id, contents: true) }
          return .opened(handle(opened, id, access, file), isDirectory: false)
        } catch {
          return .error(error.errno)
        }
      }
    }
  }

  private func handle(
    _ opened: any OpenFile, _ id: UInt64, _ access: OpenAccess, _ file: fuse_file_info
  ) -> fuse_file_info {
    var file = file
    file.fh = files.insert(FileHandle(file: opened, node: id, access: access))
    file.keep_cache = opened.keepsKernelPages ? 1 : 0
    // What was not written through the descriptor needs no FLUSH at its close.
    file.noflush = access.writes ? 0 : 1
    return file
  }

  func read(_ request: consuming FuseRequest, _ id: UInt64, size: Int, offset: UInt64) {
    guard let file = files[id]?.file else { return request.fail(EBADF) }
    let size = min(size, Self.transferMax)
    if let context = ThreadContext.current {
      let buffer = UnsafeMutableRawBufferPointer(rebasing: context.reply.bytes[..<size])
      switch file.cachedRead(at: offset, into: buffer) {
      case .success(let count):
        return answer(request, .bytes(UnsafeRawBufferPointer(rebasing: buffer[..<count])))
      case .failure(let error): return request.fail(error.errno)
      case nil: break
      }
    }
    answerLater(request) { [self] in
      let buffer = replyBuffers.take()
      do throws(AFSError) {
        let count = try await file.read(
          at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<size]))
        return .buffer(buffer, count: count)
      } catch {
        replyBuffers.give(buffer)
        return .error(error.errno)
      }
    }
  }

  /// - Parameter isPageWrite: the page cache writes, for a shared mapping: at the place that it says.
  func write(
    _ request: consuming FuseRequest, _ node: UInt64, _ id: UInt64, _ bytes: UnsafeRawBufferPointer, offset: UInt64,
    isPageWrite: Bool
  ) {
    guard let handle = files[id] else { return request.fail(EBADF) }
    let file = handle.file
    // The kernel appends at the end that it knows of; the file may have grown by another client's hand.
    let appends = handle.access.appends && !isPageWrite
    let place = appends ? file.size : offset
    switch file.cachedWrite(at: place, bytes) {
    case .success:
      wrote(node, at: place, kernelThinks: offset)
      return answer(request, .written(bytes.count))
    case .failure(let error): return request.fail(error.errno)
    case nil: break
    }
    guard let context = ThreadContext.current else { return request.fail(EIO) }
    let memory = context.surrenderRequest()
    let range = SendableBytes(bytes: bytes)
    answerLater(request) { [self] in
      defer { requestMemory.give(memory) }
      do throws(AFSError) {
        let place = appends ? file.size : offset
        try await file.write(at: place, range.bytes)
        wrote(node, at: place, kernelThinks: offset)
        return .written(range.bytes.count)
      } catch {
        return .error(error.errno)
      }
    }
  }

  private struct SendableBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
  }

  private func wrote(_ node: UInt64, at place: UInt64, kernelThinks offset: UInt64) {
    changed(node, contents: true)
    // The kernel's pages have the data at another place.
    if place != offset { invalidation.invalidateNode(node, contents: true) }
  }

  /// - Parameter lockOwner: the process that closes: its record locks on the file end, whichever descriptor they came by.
  func flush(_ request: consuming FuseRequest, _ id: UInt64, lockOwner: UInt64) {
    guard let file = files[id]?.file else { return request.fail(EBADF) }
    if file.hasLocks { return flushAndUnlock(request, file, lockOwner) }
    switch file.cachedFlush() {
    case .success: request.fail(0)
    case .failure(let error): request.fail(error.errno)
    case nil:
      answerLater(request) {
        do throws(AFSError) {
          try await file.flush()
          return .error(0)
        } catch {
          return .error(error.errno)
        }
      }
    }
  }

  private func flushAndUnlock(_ request: consuming FuseRequest, _ file: any OpenFile, _ lockOwner: UInt64) {
    answerLater(request) {
      var outcome: Int32 = 0
      do throws(AFSError) {
        try await file.flush()
      } catch {
        outcome = error.errno
      }
      await file.unlock(.record, owner: lockOwner, range: 0..<UInt64.max)
      return .error(outcome)
    }
  }

  func synchronize(_ request: consuming FuseRequest, _ id: UInt64) {
    guard let file = files[id]?.file else { return request.fail(EBADF) }
    answerLater(request) {
      do throws(AFSError) {
        try await file.synchronize()
        return .error(0)
      } catch {
        return .error(error.errno)
      }
    }
  }
}
