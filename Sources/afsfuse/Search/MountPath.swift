import AFSFuse

/// A mount point as the user names it, to look for in the mount table.
enum MountPath {
  /// Without a look at the mount itself, whose daemon may be gone, or wait; a symbolic link to it is followed.
  static func resolved(_ path: String) throws(Failure) -> String {
    let byParent = MountPoint.isSymbolicLink(path) ? nil : MountPoint.resolvedByParent(path)
    guard let whole = byParent ?? (try? MountPoint.resolved(path)) else {
      throw Failure(MountError.missing(path).description)
    }
    return whole
  }
}
