import AFSBase
import AFSClient
import CFuse3
import Glibc

/// Operations on names in directories.
extension FuseSession {
  func lookup(_ request: consuming FuseRequest, _ parent: UInt64, _ name: [UInt8]) {
    guard let directory = nodes[parent] else { return request.fail(ESTALE) }
    let identity = request.identity
    let mark = invalidation.mark
    if let result = fileSystem.cachedLookup(name, in: directory, as: identity) {
      return answer(request, lookupReply(result, name, in: parent, since: mark))
    }
    answerLater(request) { [self] in
      let mark = invalidation.mark
      let result: Result<Lookup, AFSError>
      do throws(AFSError) {
        result = .success(try await fileSystem.lookup(name, in: directory, as: identity))
      } catch {
        result = .failure(error)
      }
      return lookupReply(result, name, in: parent, since: mark)
    }
  }

  private func lookupReply(
    _ result: Result<Lookup, AFSError>, _ name: [UInt8], in parent: UInt64, since mark: UInt64
  ) -> FuseReply {
    switch result {
    case .success(.found(let entry)): .entry(parameters(entry, name: name, in: parent, since: mark))
    case .success(.absent(let validity)): absent(name, in: parent, validity: validity, since: mark)
    case .failure(let error): .error(error.errno)
    }
  }

  /// mknod(2): regular files only; AFS has no others.
  func makeFile(_ request: consuming FuseRequest, _ parent: UInt64, _ name: [UInt8], mode: mode_t) {
    guard mode & S_IFMT == S_IFREG || mode & S_IFMT == 0 else { return request.fail(EPERM) }
    guard let directory = nodes[parent] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      let mark = invalidation.mark
      do throws(AFSError) {
        let (entry, file) = try await fileSystem.create(
          name, in: directory, permissions: UInt16(mode & 0o7777), exclusive: true,
          access: OpenAccess(reads: false, writes: true), as: identity)
        await file.close()
        return made(entry, name, in: parent, since: mark)
      } catch {
        return .error(error.errno)
      }
    }
  }

  func makeDirectory(_ request: consuming FuseRequest, _ parent: UInt64, _ name: [UInt8], mode: mode_t) {
    guard let directory = nodes[parent] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      let mark = invalidation.mark
      do throws(AFSError) {
        let entry = try await fileSystem.makeDirectory(
          name, in: directory, permissions: UInt16(mode & 0o7777), as: identity)
        return made(entry, name, in: parent, since: mark)
      } catch {
        return .error(error.errno)
      }
    }
  }

  func makeSymbolicLink(_ request: consuming FuseRequest, _ parent: UInt64, _ name: [UInt8], target: [UInt8]) {
    guard let directory = nodes[parent] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      let mark = invalidation.mark
      do throws(AFSError) {
        let entry = try await fileSystem.makeSymbolicLink(name, in: directory, target: target, as: identity)
        return made(entry, name, in: parent, since: mark)
      } catch {
        return .error(error.errno)
      }
    }
  }

  func makeLink(_ request: consuming FuseRequest, _ parent: UInt64, _ name: [UInt8], to id: UInt64) {
    guard let directory = nodes[parent], let file = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      let mark = invalidation.mark
      do throws(AFSError) {
        let entry = try await fileSystem.makeLink(name, in: directory, to: file, as: identity)
        changed(id, contents: false)
        return made(entry, name, in: parent, since: mark)
      } catch {
        return .error(error.errno)
      }
    }
  }

  private func made(_ entry: NodeEntry, _ name: [UInt8], in parent: UInt64, since mark: UInt64) -> FuseReply {
    changed(name, in: parent)
    return .entry(parameters(entry, name: name, in: parent, since: mark))
  }

  func removeFile(_ request: consuming FuseRequest, _ parent: UInt64, _ name: [UInt8]) {
    guard let directory = nodes[parent] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      do throws(AFSError) {
        try await fileSystem.removeFile(name, in: directory, as: identity)
        changed(name, in: parent)
        return .error(0)
      } catch {
        return .error(error.errno)
      }
    }
  }

  func removeDirectory(_ request: consuming FuseRequest, _ parent: UInt64, _ name: [UInt8]) {
    guard let directory = nodes[parent] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      do throws(AFSError) {
        try await fileSystem.removeDirectory(name, in: directory, as: identity)
        changed(name, in: parent)
        return .error(0)
      } catch {
        return .error(error.errno)
      }
    }
  }

  /// renameat2(2): RENAME_NOREPLACE is known; exchanging names, or leaving a whiteout, is nothing that AFS can do.
  func rename(
    _ request: consuming FuseRequest, _ parent: UInt64, _ name: [UInt8], to newParent: UInt64, _ newName: [UInt8],
    flags: UInt32
  ) {
    guard flags & ~Self.renameNoReplace == 0 else { return request.fail(EINVAL) }
    guard let directory = nodes[parent], let newDirectory = nodes[newParent] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      do throws(AFSError) {
        try await fileSystem.rename(
          name, in: directory, to: newName, in: newDirectory, replacing: flags & Self.renameNoReplace == 0,
          as: identity)
        // The kernel moves its entry, validity and all, to the new name.
        _ = newName.withUnsafeBytes { nodes.remember($0, in: newParent, now: SystemClock.monotonic) }
        changed(name, in: parent)
        changed(newName, in: newParent)
        return .error(0)
      } catch {
        return .error(error.errno)
      }
    }
  }

  /// RENAME_NOREPLACE of linux/fs.h, which Swift's Glibc does not show.
  private static let renameNoReplace: UInt32 = 1
}
