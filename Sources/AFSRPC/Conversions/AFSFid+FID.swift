package import AFSTypes

extension AFSFid {
  /// The wire form of `fid`. A FID with parts above 32 bits is none of AFS-3's: it becomes 0.0.0, which every server
  /// refuses.
  package init(_ fid: FID) {
    guard let volume = UInt32(exactly: fid.volume.rawValue), let vnode = UInt32(exactly: fid.vnode) else {
      self.init()
      return
    }
    self.init(volume: volume, vnode: vnode, unique: fid.unique)
  }

  package var fid: FID {
    FID(volume: VolumeID(UInt64(volume)), vnode: UInt64(vnode), unique: unique)
  }
}

extension FID {
  package init(_ fid: AFSFid) {
    self = fid.fid
  }
}
