// Swift 6.3 takes `stat` of Glibc for one of the first module that shows it.
import CFuse3
import Glibc

/// A folder to mount at.
package struct MountPoint: Hashable, Sendable {
  /// Absolute, without symbolic links: as the kernel's mount table shows it.
  package let path: String

  /// Checks what can be checked before the kernel is asked, for the sake of a clear message.
  package init(checking path: String, allowsNonempty: Bool) throws(MountError) {
    self.path = try Self.resolved(path)
    if let entry = MountTable.entry(at: self.path), entry.type.hasPrefix("fuse") {
      throw Self.isStale(self.path) ? .staleMount(self.path) : .alreadyMounted(self.path, type: entry.type)
    }
    var status = stat()
    guard stat(self.path, &status) == 0 else { throw .inaccessible(self.path, errno: errno) }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .notDirectory(self.path) }
    if !allowsNonempty, try !Self.isEmpty(self.path) { throw .notEmpty(self.path) }
  }

  /// The same, after what a killed daemon of this program has left at `path` is taken away: who mounts again, systemd after
  /// a crash among them, should not have to do that by hand.
  package static func cleared(_ path: String, allowsNonempty: Bool) throws(MountError) -> MountPoint {
    do {
      return try MountPoint(checking: path, allowsNonempty: allowsNonempty)
    } catch .staleMount(let stale) {
      guard MountTable.entry(at: stale)?.type == MountOptions.type else { throw .staleMount(stale) }
      do throws(MountError) {
        // Whoever still has files of it open has lost them already.
        try KernelMount.unmount(stale, lazily: true)
      } catch {
        throw .staleMount(stale)
      }
      return try MountPoint(checking: path, allowsNonempty: allowsNonempty)
    } catch {
      throw error
    }
  }

  /// The mount point `path` as the mount table calls it. Works for a mount whose daemon is gone.
  package static func resolved(_ path: String) throws(MountError) -> String {
    if let whole = realPath(path) { return whole }
    let code = errno
    // A stale mount cannot be looked at; the folder that it is in can.
    if code == ENOTCONN || code == EACCES || code == EIO, let candidate = resolvedByParent(path),
      MountTable.entry(at: candidate) != nil
    {
      if code == ENOTCONN { throw .staleMount(candidate) }
      return candidate
    }
    if code == ENOENT { throw .missing(path) }
    if code == ENOTDIR { throw .notDirectory(path) }
    throw .inaccessible(path, errno: code)
  }

  /// `path` with all of it resolved but its last component.
  package static func resolvedByParent(_ path: String) -> String? {
    var components = path.split(separator: "/", omittingEmptySubsequences: true)
    guard let last = components.popLast(), last != ".", last != ".." else { return nil }
    let parent = (path.hasPrefix("/") ? "/" : "") + components.joined(separator: "/")
    guard let whole = realPath(parent.isEmpty ? "." : parent) else { return nil }
    return whole == "/" ? "/" + last : whole + "/" + last
  }

  /// Whether the way to `path` leads through this mount point. Symbolic links are followed; what does not exist counts by
  /// its name. Asked before the mount: afterwards it would be the daemon's own affair.
  /// - Parameter path: absolute.
  package func isPassed(by path: String) -> Bool {
    // As deep as the kernel goes (path_resolution(7)).
    var linksLeft = 40
    var waiting = Array(path.split(separator: "/").map(String.init).reversed())
    var folder = ""
    while let name = waiting.popLast() {
      switch name {
      case ".": continue
      case "..": folder = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
      default:
        let next = folder + "/" + name
        if let target = Self.linkTarget(next) {
          guard linksLeft > 0 else { return false }
          linksLeft -= 1
          if target.hasPrefix("/") { folder = "" }
          waiting += target.split(separator: "/").map(String.init).reversed()
        } else {
          folder = next
        }
      }
      if folder == self.path { return true }
    }
    return false
  }

  private static func linkTarget(_ path: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { memory in
      let count = readlink(path, memory.baseAddress!, memory.count)
      return count < 0
        ? nil
        : String(decoding: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<count]), as: UTF8.self)
    }
  }

  package static func isSymbolicLink(_ path: String) -> Bool {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1) { readlink(path, $0.baseAddress!, 1) >= 0 }
  }

  /// Whether the daemon of a mount is gone: opening its root then fails, while its attributes may be remembered.
  private static func isStale(_ path: String) -> Bool {
    let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory < 0 { return errno == ENOTCONN }
    close(directory)
    return false
  }

  private static func realPath(_ path: String) -> String? {
    guard let whole = realpath(path, nil) else { return nil }
    defer { free(whole) }
    return String(cString: whole)
  }

  private static func isEmpty(_ path: String) throws(MountError) -> Bool {
    guard let directory = opendir(path) else { throw .inaccessible(path, errno: errno) }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let first = entry.pointee.d_name.0
      let second = entry.pointee.d_name.1
      let dot = CChar(bitPattern: UInt8(ascii: "."))
      let isSelf = first == dot && second == 0
      let isParent = first == dot && second == dot && entry.pointee.d_name.2 == 0
      if !isSelf && !isParent { return false }
    }
    return true
  }
}
