import AFSBase
import AFSClient
import AFSCredentials
import CFuse3
import Glibc

/// Operations on what a node is.
extension FuseSession {
  func getAttributes(_ request: consuming FuseRequest, _ id: UInt64) {
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    let mark = invalidation.mark
    switch fileSystem.cachedAttributes(of: node, as: identity) {
    case .success(let known): answer(request, attributes(known, since: mark))
    case .failure(let error): request.fail(error.errno)
    case nil: answerLater(request) { [self] in await attributesReply(node, identity) }
    }
  }

  private func attributesReply(_ node: any Node, _ identity: Identity) async -> FuseReply {
    let mark = invalidation.mark
    do throws(AFSError) {
      return attributes(try await fileSystem.attributes(of: node, as: identity), since: mark)
    } catch {
      return .error(error.errno)
    }
  }

  func setAttributes(_ request: consuming FuseRequest, _ id: UInt64, _ status: stat, valid: Int32, handle: UInt64?) {
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    let change = AttributeChange(status, valid: valid)
    let file = handle.flatMap { files[$0]?.file }
    answerLater(request) { [self] in
      // The time of the last access is not kept by AFS.
      if change == AttributeChange() { return await attributesReply(node, identity) }
      let mark = invalidation.mark
      do throws(AFSError) {
        let known = try await fileSystem.setAttributes(of: node, change, file: file, as: identity)
        changed(id, contents: change.size != nil)
        return attributes(known, since: mark)
      } catch {
        return .error(error.errno)
      }
    }
  }

  func readSymbolicLink(_ request: consuming FuseRequest, _ id: UInt64) {
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      do throws(AFSError) {
        return .text(try await fileSystem.readSymbolicLink(node, as: identity))
      } catch {
        return .error(error.errno)
      }
    }
  }

  /// access(2) and chdir(2).
  func checkAccess(_ request: consuming FuseRequest, _ id: UInt64, mask: Int32) {
    guard mask & (R_OK | W_OK | X_OK) != 0 else { return request.fail(0) }
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    let (reads, writes, executes) = (mask & R_OK != 0, mask & W_OK != 0, mask & X_OK != 0)
    switch fileSystem.cachedAccess(to: node, reading: reads, writing: writes, executing: executes, as: identity) {
    case .success: request.fail(0)
    case .failure(let error): request.fail(error.errno)
    case nil:
      answerLater(request) { [self] in
        do throws(AFSError) {
          try await fileSystem.checkAccess(
            to: node, reading: reads, writing: writes, executing: executes, as: identity)
          return .error(0)
        } catch {
          return .error(error.errno)
        }
      }
    }
  }

  func statistics(_ request: consuming FuseRequest, _ id: UInt64) {
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      do throws(AFSError) {
        return .statistics(statvfs(try await fileSystem.statistics(of: node, as: identity)))
      } catch {
        return .error(error.errno)
      }
    }
  }
}

extension AttributeChange {
  /// - Parameter valid: FUSE_SET_ATTR bits, which say what of `status` is meant.
  init(_ status: stat, valid: Int32) {
    self.init()
    if valid & FUSE_SET_ATTR_MODE != 0 { permissions = UInt16(status.st_mode & 0o7777) }
    if valid & FUSE_SET_ATTR_UID != 0 { uid = status.st_uid }
    if valid & FUSE_SET_ATTR_GID != 0 { gid = status.st_gid }
    if valid & FUSE_SET_ATTR_SIZE != 0 { size = UInt64(clamping: status.st_size) }
    if valid & FUSE_SET_ATTR_MTIME_NOW != 0 {
      modified = SystemClock.wall
    } else if valid & FUSE_SET_ATTR_MTIME != 0 {
      modified = WallTime(status.st_mtim)
    }
  }
}

extension statvfs {
  init(_ statistics: VolumeStatistics) {
    self.init()
    f_bsize = 1024
    f_frsize = 1024
    f_blocks = UInt(statistics.blocks)
    f_bfree = UInt(statistics.blocksFree)
    f_bavail = UInt(statistics.blocksAvailable)
    f_files = UInt(statistics.files)
    f_ffree = UInt(statistics.filesFree)
    f_favail = UInt(statistics.filesFree)
    f_namemax = UInt(statistics.nameLengthMax)
  }
}
