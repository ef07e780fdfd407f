package import AFSTypes

/// A directory's contents in memory, of one data version.
///
/// A value: an open directory keeps its snapshot while later changes are made to the vnode's.
package struct LoadedDirectory: Sendable {
  package private(set) var contents: DirectoryObject
  package private(set) var dataVersion: DataVersion

  package init(contents: DirectoryObject, dataVersion: DataVersion) {
    self.contents = contents
    self.dataVersion = dataVersion
  }

  /// Makes the change that the server made, which led to `version`.
  /// - Returns: false when the contents do not allow the change: they are not what the server has.
  package mutating func apply(_ edits: [DirectoryEdit], leadingTo version: DataVersion) -> Bool {
    do {
      for edit in edits {
        switch edit {
        case .insert(let name, let fid): try contents.insert(name, vnode: fid.vnode, unique: fid.unique)
        case .remove(let name): try contents.remove(name)
        case .redirect(let name, let fid): try contents.redirect(name, vnode: fid.vnode, unique: fid.unique)
        }
      }
    } catch {
      return false
    }
    dataVersion = version
    return true
  }
}

/// A change of a directory that we know the server has made.
package enum DirectoryEdit: Hashable, Sendable {
  case insert([UInt8], FID)
  case remove([UInt8])
  case redirect([UInt8], FID)
}

extension LoadedDirectory {
  /// One of a file's names; takes as long as the directory is large.
  package func name(of fid: FID) -> [UInt8]? {
    contents.entries.first { $0.vnode == fid.vnode && $0.unique == fid.unique }?.name
  }

  /// Files of the directory for which `condition` holds, `count` at most, beginning near `name`: the order is that of
  /// the hash chains.
  package func neighbours(
    of name: [UInt8], count: Int, where condition: (_ vnode: UInt64, _ unique: UInt32) -> Bool
  ) -> [(vnode: UInt64, unique: UInt32)] {
    var found: [(vnode: UInt64, unique: UInt32)] = []
    let first = DirectoryFormat.chain(of: name)
    for step in 0..<DirectoryFormat.hashChains {
      var blob = contents.chainHead((first + step) % DirectoryFormat.hashChains)
      while blob != 0 {
        let start = blob * DirectoryFormat.blobSize
        let (vnode, unique) = (UInt64(contents.word32(start + 4)), contents.word32(start + 8))
        if condition(vnode, unique) { found.append((vnode, unique)) }
        if found.count == count { return found }
        blob = contents.next(after: blob)
      }
    }
    return found
  }
}
