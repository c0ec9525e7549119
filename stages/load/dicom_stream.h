/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_stream -- a DICOM file as DCMTK reads it: opened once, its first pages taken at once.   dicom, dicom_pixels, dicom_seg */
#ifndef PETREL_STAGES_LOAD_DICOM_STREAM_H
#define PETREL_STAGES_LOAD_DICOM_STREAM_H
#include "common/base.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrma.h>
#include <dcmtk/dcmdata/dctk.h>

#include <string>
#include <sys/stat.h>

/* DCMTK's bytes, from `from` on. */
class FileProducer final : public DcmProducer
{
  public:
    explicit FileProducer(const char *path, offile_off_t from);
    ~FileProducer() override;
    FileProducer(const FileProducer &) = delete;
    FileProducer &operator=(const FileProducer &) = delete;
    OFBool good() const override
    {
        return status_.good();
    }
    OFCondition status() const override
    {
        return status_;
    }
    OFBool eos() override
    {
        return at >= size;
    }
    offile_off_t avail() override
    {
        return size - at;
    }
    offile_off_t read(void *to, offile_off_t count) override;
    offile_off_t skip(offile_off_t count) override;
    void putback(offile_off_t count) override;
    const struct stat &file() const
    {
        return file_;
    }

  private:
    offile_off_t take(void *to, offile_off_t count, offile_off_t from);
    int fd;
    OFCondition status_;
    struct stat file_ = {};
    offile_off_t at, size = 0;
    offile_off_t first = 0, last = 0; /* of the file's bytes, in page */
    uint8_t page[8 << 10];            /* a header of most scanners */
};

class FileStream final : public DcmInputStream
{
  public:
    explicit FileStream(const char *its_path, offile_off_t from = 0)
        : DcmInputStream(&producer), producer(its_path, from), path(its_path)
    {
    }
    DcmInputStreamFactory *newFactory() const override;
    const char *name() const
    {
        return path.c_str();
    }
    /* What it was when it was opened. */
    const struct stat &file() const
    {
        return producer.file();
    }

  private:
    FileProducer producer;
    std::string path;
};

/* The file up to the first element that is `until` or comes after it; values above 4 KiB stay in the file until they are asked for.
 * -1 and a sentence: it is not readable as DICOM. */
int dicom_load(FileStream &from, DcmFileFormat &file, struct error *e, const DcmTagKey &until = DCM_UndefinedTagKey);
#endif
