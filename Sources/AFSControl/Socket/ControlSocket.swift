package import Glibc

/// Where a daemon listens, and what a command may believe of it.
package struct ControlSocket: Hashable, Sendable {
  package let path: String
  package let folder: RuntimeFolder

  package init(path: String, folder: RuntimeFolder) {
    self.path = path
    self.folder = folder
  }

  /// Where somebody else says that `owner`'s daemon listens: it is believed as far as the folder and the process that
  /// listens are his.
  package init(path: String, owner: uid_t) {
    let end = path.lastIndex(of: "/") ?? path.startIndex
    self.init(path: path, folder: RuntimeFolder(path: String(path[..<end]), owner: owner))
  }
}
