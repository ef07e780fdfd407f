import AFSClient
import CFuse3
import Glibc

/// fcntl(2) and flock(2).
extension FuseSession {
  func testLock(_ request: consuming FuseRequest, _ id: UInt64, owner: UInt64, _ lock: flock) {
    guard let file = files[id]?.file else { return request.fail(EBADF) }
    let wanted = LockRequest(lock, owner: owner)
    answerLater(request) {
      do throws(AFSError) {
        return .lock(flock.showing(try await file.obstacle(to: wanted)))
      } catch {
        return .error(error.errno)
      }
    }
  }

  func setLock(_ request: consuming FuseRequest, _ id: UInt64, owner: UInt64, _ lock: flock, waits: Bool) {
    guard let handle = files[id] else { return request.fail(EBADF) }
    var wanted = LockRequest(lock, owner: owner)
    wanted.waits = waits
    if lock.l_type == Int16(F_UNLCK) { return unlock(request, handle, wanted) }
    handle.locked(by: owner)
    self.lock(request, handle, wanted)
  }

  func lockFile(_ request: consuming FuseRequest, _ id: UInt64, owner: UInt64, operation: Int32) {
    guard let handle = files[id] else { return request.fail(EBADF) }
    let wanted = LockRequest(
      style: .wholeFile, owner: owner, isExclusive: operation & LOCK_EX != 0, waits: operation & LOCK_NB == 0)
    if operation & LOCK_UN != 0 { return unlock(request, handle, wanted) }
    lock(request, handle, wanted)
  }

  private func lock(_ request: consuming FuseRequest, _ handle: FileHandle, _ wanted: LockRequest) {
    answerLater(request) {
      do throws(AFSError) {
        try await handle.file.lock(wanted)
        return .error(0)
      } catch {
        return .error(error.errno)
      }
    }
  }

  private func unlock(_ request: consuming FuseRequest, _ handle: FileHandle, _ wanted: LockRequest) {
    guard handle.file.hasLocks else { return request.fail(0) }
    answerLater(request) {
      await handle.file.unlock(wanted.style, owner: wanted.owner, range: wanted.range)
      return .error(0)
    }
  }

  /// An open file description with locks of flock(2) is gone.
  func unlockSoon(_ id: UInt64, owner: UInt64) {
    files[id]?.file.unlockSoon(.wholeFile, owner: owner)
  }
}

extension LockRequest {
  /// - Parameter lock: as libfuse makes it: `l_start` from the file's beginning, `l_len` 0 for all that follows.
  init(_ lock: flock, owner: UInt64) {
    let start = UInt64(clamping: lock.l_start)
    let end = lock.l_len == 0 ? UInt64.max : start + UInt64(clamping: lock.l_len)
    self.init(
      style: .record, owner: owner, processID: lock.l_pid, range: start..<end,
      isExclusive: lock.l_type == Int16(F_WRLCK))
  }
}

extension flock {
  /// What F_GETLK tells; F_UNLCK when nothing is in the way. (No initialiser: it would hide the function of this name.)
  static func showing(_ obstacle: HeldLock?) -> flock {
    var lock = flock()
    lock.l_whence = Int16(SEEK_SET)
    guard let obstacle else {
      lock.l_type = Int16(F_UNLCK)
      return lock
    }
    lock.l_type = Int16(obstacle.isExclusive ? F_WRLCK : F_RDLCK)
    lock.l_start = Int(clamping: obstacle.range.lowerBound)
    lock.l_len = obstacle.range.upperBound >= UInt64(Int64.max) ? 0 : Int(obstacle.range.upperBound) - lock.l_start
    lock.l_pid = obstacle.processID
    return lock
  }
}
