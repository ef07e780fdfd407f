import AFSBase
package import AFSCredentials
import AFSTypes
import Logging

/// From mount points to volumes.
extension ClientContext {
  /// Finds the volume which the mount point `vnode`, lying in `parent`, means.
  package func resolve(
    _ mount: Mount, at vnode: Vnode, in parent: Mount, as identity: Identity
  ) async throws(AFSError) {
    try checkDepth(of: mount)
    let text = try await linkText(of: vnode, as: identity)
    guard let point = MountPoint(text) else {
      log.notice("\(vnode.fid) of cell \(vnode.volume.cell.name) has a mount point's mode, but its text is none")
      throw .noSuchVolume
    }
    let cell: Cell
    if let name = point.cell {
      cell = try await self.cell(named: name)
    } else {
      cell = vnode.volume.cell
    }
    let choice = VolumeChoice(
      prefersReadOnly: vnode.volume.kind == .readOnly || cell !== vnode.volume.cell, wantsReadWrite: point.isReadWrite)
    try await resolve(mount, to: point.volume, in: cell, choice)
  }

  /// Finds the volume of a mount point that the client made up.
  package func resolve(_ mount: Mount, to target: MountTarget, as identity: Identity) async throws(AFSError) {
    guard let name = target.cell else {
      log.error("the mount's root is volume \(target.volume), but no local cell is configured")
      throw .noSuchCell
    }
    let cell = try await self.cell(named: name)
    let choice = VolumeChoice(prefersReadOnly: true, wantsReadWrite: target.isReadWrite)
    try await resolve(mount, to: target.volume, in: cell, choice)
  }

  private func resolve(
    _ mount: Mount, to name: String, in cell: Cell, _ choice: VolumeChoice
  ) async throws(AFSError) {
    let location = try await location(of: name, in: cell)
    guard let kind = choice.kind(of: name, at: location) else {
      log.notice("volume \(name) of cell \(cell.name) does not exist in the kind that a mount point asks for")
      throw .noSuchVolume
    }
    let volume = try volume(kind, at: location, in: cell)
    let root = vnodes.vnode(for: .root(of: volume.id), in: volume)
    root.withState { _ = $0.mountPoints.insert(mount.point) }
    mount.target = Mount.Target(root: root)
    // What the kernel knows of the mount point so far was made up.
    invalidations.invalidate(.attributes(mount.point))
  }

  private func checkDepth(of mount: Mount) throws(AFSError) {
    guard mount.depth <= configuration.mountDepthMax else {
      log.notice("mount points \(mount.depth) deep: taken for a loop")
      throw .tooManySymbolicLinks
    }
  }
}

/// Which of the volumes of one name a mount point means.
///
/// The rule of all AFS clients (OpenAFS src/afs/VNOPS/afs_vnop_lookup.c, EvalMountData): a name with `.readonly` or
/// `.backup`, or a number, means what it says; `%` means the read-write volume; `#` means the read-only one if the
/// mount point lies in a read-only volume (or in another cell, or was made up by the client) and one exists. A backup
/// volume counts as read-write here: what hangs below it is what hangs below its original.
package struct VolumeChoice: Hashable, Sendable {
  package var prefersReadOnly: Bool
  package var wantsReadWrite: Bool

  package func kind(of name: String, at location: VolumeLocation) -> Volume.Kind? {
    if name.utf8.allSatisfy({ 48...57 ~= $0 }), let number = UInt64(name) { return location.kind(of: VolumeID(number)) }
    if name.hasSuffix(".readonly") { return location.ids[.readOnly] == nil ? nil : .readOnly }
    if name.hasSuffix(".backup") { return location.ids[.backup] == nil ? nil : .backup }
    if wantsReadWrite { return location.ids[.readWrite] == nil ? nil : .readWrite }
    if prefersReadOnly, location.ids[.readOnly] != nil { return .readOnly }
    if location.ids[.readWrite] != nil { return .readWrite }
    return location.ids[.readOnly] == nil ? nil : .readOnly
  }
}
