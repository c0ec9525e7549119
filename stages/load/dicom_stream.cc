/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_stream -- a DICOM file as DCMTK reads it: opened once, its first pages taken at once.   dicom, dicom_pixels, dicom_seg -> [dicom_stream]
 *
 * DCMTK's own stream goes to the end of each file and back, asks where it stands before every element, and reads 4 KiB at a time: for
 * a slice of a series that was as long as its header takes to parse. */
#include "stages/load/dicom_stream.h"
#include "stages/load/dicom_inside.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

FileProducer::FileProducer(const char *path, offile_off_t from)
    : fd(open(path, O_RDONLY | O_CLOEXEC)), status_(EC_Normal), at(from)
{
    if (fd < 0 || fstat(fd, &file_) != 0)
        status_ = makeOFCondition(OFM_dcmdata, 18, OF_error, strerror(errno));
    else
        size = S_ISREG(file_.st_mode) ? file_.st_size : INT64_MAX;
}

FileProducer::~FileProducer()
{
    if (fd >= 0)
        close(fd);
}

/* From the file; it ends where nothing more is to be had, whatever it said. */
offile_off_t FileProducer::take(void *to, offile_off_t count, offile_off_t from)
{
    offile_off_t done = 0;
    while (done < count) {
        uint8_t *const next = static_cast<uint8_t *>(to) + done;
        size_t const left = static_cast<size_t>(count - done);
        /* a pipe comes in its own order: enough of it to see that it is no DICOM file */
        ssize_t const got = S_ISREG(file_.st_mode) ? pread(fd, next, left, from + done) : ::read(fd, next, left);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status_ = makeOFCondition(OFM_dcmdata, 18, OF_error, strerror(errno));
        if (got <= 0)
            break;
        done += got;
    }
    if (done < count)
        size = std::min(size, from + done);
    return done;
}

offile_off_t FileProducer::read(void *to, offile_off_t count)
{
    count = std::min(count, avail());
    if (status_.bad() || count <= 0)
        return 0;
    if (at < first || at + count > last) {
        if (count >= static_cast<offile_off_t>(sizeof page)) {
            count = take(to, count, at);
            at += count;
            return count;
        }
        first = at;
        last = at + take(page, std::min(avail(), static_cast<offile_off_t>(sizeof page)), at);
        count = std::min(count, last - at);
    }
    memcpy(to, page + (at - first), static_cast<size_t>(count));
    at += count;
    return count;
}

offile_off_t FileProducer::skip(offile_off_t count)
{
    count = status_.bad() ? 0 : std::min(count, avail());
    at += count;
    return count;
}

void FileProducer::putback(offile_off_t count)
{
    if (count > at)
        status_ = EC_PutbackFailed;
    else
        at -= count;
}

namespace
{

/* What DCMTK makes to come back to a large value. */
class FileFactory final : public DcmInputStreamFactory
{
  public:
    FileFactory(const std::string &its_path, offile_off_t its_from) : path(its_path), from(its_from)
    {
    }
    DcmInputStream *create() const override
    {
        return new FileStream(path.c_str(), from);
    }
    DcmInputStreamFactory *clone() const override
    {
        return new FileFactory(*this);
    }
    DcmInputStreamFactoryType ident() const override
    {
        return DFT_DcmInputFileStreamFactory;
    }

  private:
    std::string path;
    offile_off_t from;
};

} // namespace

DcmInputStreamFactory *FileStream::newFactory() const
{
    return currentProducer() == &producer ? new FileFactory(path, tell()) : nullptr; /* none into what is inflated */
}

int dicom_load(FileStream &from, DcmFileFormat &file, struct error *e, const DcmTagKey &until)
{
    OFCondition read = from.status();
    if (read.good()) {
        dicom_start_once();
        file.transferInit();
        read = file.readUntilTag(from, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, until);
        file.transferEnd();
    }
    return read.good() ? 0 : fail(e, "cannot open '%s': not readable as DICOM (%s)", from.name(), read.text());
}
